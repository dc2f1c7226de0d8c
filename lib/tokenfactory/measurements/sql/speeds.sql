{# The speed that a user sees, in the columns of `scoped`; `s` is mean, median or a percentile. #}

{# The time whose reciprocal it is. #}
{% macro time(s) %}if(workload = 'agentic', {{ s }}_itl_s, {{ s }}_tpot_s){% endmacro %}

{# Whether a stated speed is not the speed of the time that is stated with it. #}
{% macro is_off(s) %}
(coalesce(abs({{ measured.SPEED_OF[s] }} * {{ s }}_tpot_s - 1) > {{ TIME_TOLERANCE }}, true)
 AND (workload <> 'agentic'
      OR coalesce(abs({{ measured.SPEED_OF[s] }} * {{ s }}_itl_s - 1) > {{ TIME_TOLERANCE }}, true))
 AND {{ time(s) }} > 0 AND {{ measured.SPEED_OF[s] }} > 0)
{%- endmacro %}

{# Whether a percentile of the speeds, without the time's, is one of the fast users. #}
{% macro is_fast_tail(s) %}
({{ time(s) }} IS NULL AND {{ measured.SPEED_OF[s] }} > (1 + {{ TIME_TOLERANCE }})
 * coalesce(nullif(interactivity_tok_per_s_per_user, 0), 1 / nullif({{ time("median") }}, 0)))
{%- endmacro %}

{# As stated, else of the time; a percentile is that of the slow tail. #}
{% macro speed(s) %}
CASE WHEN {{ s in TAILS }} AND {{ is_off(s) }} THEN 1 / nullif({{ time(s) }}, 0)
     WHEN {{ s in TAILS }} AND {{ is_fast_tail(s) }} THEN NULL
     ELSE coalesce(nullif({{ measured.SPEED_OF[s] }}, 0), 1 / nullif({{ time(s) }}, 0)) END
{%- endmacro %}
