"""mutmut for this suite: tests are collected once, not for each mutant, and the quickest are tried first.

A fixture of a whole file calls a function in the first test alone that asks for it, so mutmut would try no other one:
here all quick tests of a file follow those that were seen to call the mutated function.
"""

import pytest
from _pytest.config import _prepareconfig
from hypothesis import Phase, settings
from mutmut.__main__ import cli
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd

QUICK_S = 0.5


def warm_up(self):
    arguments = [*self._pytest_add_cli_args_test_selection, *self._pytest_add_cli_args]
    with change_cwd("mutants"):
        config = _prepareconfig(["--rootdir=.", "--tb=no", *arguments])
        config._do_configure()
        self.session = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=self.session)
        self.items = {item.nodeid: item for item in self.session.perform_collect()}
    for item in self.items.values():  # whether a case fails is enough: the smallest one is looked for by no one
        if of_hypothesis := getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None):
            quick = settings(of_hypothesis, phases=(Phase.explicit, Phase.generate))
            item.obj._hypothesis_internal_use_settings = quick


def run_tests(self, *, mutant_name, tests):
    if not hasattr(self, "session"):
        with change_cwd("mutants"):
            return self.execute_pytest(self._pytest_args_regular_run(tests))
    took, files = state().duration_by_test, {name.split("::")[0] for name in tests}
    beside = [name for name in self.items if name.split("::")[0] in files and took.get(name, 0) < QUICK_S]
    order = dict.fromkeys([*sorted(tests, key=took.get), *sorted({*beside} - {*tests})])
    chosen = [self.items[name] for name in order if name in self.items]
    with change_cwd("mutants"):
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.session.testsfailed:
                return 1
    return 0


PytestRunner.warm_up, PytestRunner.run_tests = warm_up, run_tests

if __name__ == "__main__":
    cli()
