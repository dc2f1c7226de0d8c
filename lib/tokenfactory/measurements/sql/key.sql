{# Rows with the same key are the same measurement; where no run is known, the values themselves tell. Somebody's own
   rows of one setting, day and run are its repeats, whatever their values. #}
struct_pack({% for name in measured.LINE %}{{ name }} := {{ name }}, {% endfor %}
    run_id := run_id, conc := if(requests_per_s IS NULL, conc, NULL), rate := requests_per_s,
    recipe_fingerprint := recipe_fingerprint, date := if(run_id IS NULL OR is_own, date, NULL),
    image := if(is_own, image, NULL), tool := if(is_own, adapter, NULL),
    total := if(run_id IS NULL AND NOT is_own, coalesce(total, output_deployed), NULL))
