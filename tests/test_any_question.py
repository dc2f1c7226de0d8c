"""Whatever validation lets through makes a page with an answer: parameters drawn from the words of the data."""

import os
from random import Random

import pytest
import questions

from tokenfactory import warehouse

# Draws of each notebook; of the two that take ten times as long as others fewer.
NUM_DRAWS = 80 if os.environ.get("TOKENFACTORY_SOAK") else 2
SLOW = ("05_claim_audit", "11_cache_and_agents")


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


@pytest.mark.parametrize("notebook", questions.NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_any_question_that_is_let_through_has_an_answer(notebook, db):
    chance, num_asked = Random(notebook.name + os.environ.get("TOKENFACTORY_SEED", "")), 0
    while num_asked < max(1, NUM_DRAWS // (20 if notebook.name in SLOW else 1)):
        asked = questions.draw(chance, notebook, db)
        if not questions.is_legal(notebook, asked, db):
            continue
        num_asked += 1
        try:
            found = questions.shown(notebook, **asked)
        except Exception as error:
            raise AssertionError(f"{notebook.name} with {asked}") from error
        assert found["answer"] and all(found["answer"]), f"{notebook.name} says nothing with {asked}"
