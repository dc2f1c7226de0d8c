"""Whatever validation lets through makes a page with an answer: parameters drawn from the words of the data."""

import os
from random import Random

import pytest
import questions

from tokenfactory import warehouse
from tokenfactory.errors import InfeasibleError, MixedBasisError, NotMeasuredError

# Draws of each notebook; of the two that take ten times as long as others fewer.
NUM_DRAWS = 80 if os.environ.get("TOKENFACTORY_SOAK") else 2
SLOW = ("05_claim_audit", "11_cache_and_agents")


def refusals(notebook) -> tuple[type, ...]:
    """The page on sites refuses in one sentence what leaves no fleet (test_site_bad_input.py); no other page does."""
    return (NotMeasuredError, InfeasibleError, MixedBasisError) if notebook.name.startswith("06_") else ()


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


@pytest.mark.parametrize("notebook", questions.NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_any_question_that_is_let_through_has_an_answer(notebook, db):
    chance, num_asked = Random(notebook.name), 0
    while num_asked < max(1, NUM_DRAWS // (20 if notebook.name in SLOW else 1)):
        asked = questions.draw(chance, notebook, db)
        if not questions.is_legal(notebook, asked, db):
            continue
        num_asked += 1
        try:
            found = questions.shown(notebook, **asked)
        except refusals(notebook) as error:
            assert str(error).strip() and "\n" not in str(error)
        except Exception as error:
            raise AssertionError(f"{notebook.name} with {asked}") from error
        else:
            assert found["answer"] and all(found["answer"]), f"{notebook.name} says nothing with {asked}"
