"""The linked view without a browser: what its menus make of the data, and what stands where there are no widgets."""

import threading
from datetime import date

import nbformat
import pytest

from reportkit import engine, outputs
from tokenfactory import ask, explore, warehouse
from tokenfactory.display import show


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


@pytest.fixture
def view(db):
    return explore(db)


def bound(spec):
    """The sliders of a chart."""
    return [parameter["name"] for parameter in spec["params"] if "bind" in parameter]


def test_it_says_what_compare_says(db, view):
    told = ask.compare(db, model="deepseek-r1-0528", isl=8192, osl=1024, speeds=[75.0], gpus=["gb300", "h200"],
                       on=date(2026, 9, 11))["rows"]  # fmt: skip
    by_gpu = {row["gpu"].upper(): row["usd_per_mtok"] for row in told}
    for row in view.answer:
        assert row["usd_per_mtok"] == pytest.approx(by_gpu[row["system"]] / 0.6)


def test_menus_offer_what_is_measured(view):
    view.menus["model"].value = "gpt-oss-120b"
    assert set(dict(view.menus["lengths"].options).values()) == {(1024, 1024), (1024, 8192), (8192, 1024)}
    assert "gb300" not in dict(view.menus["baseline"].options).values() or view.answer
    assert all(row["tput_per_gpu"] or "is not measured" in row["by"] for row in view.answer)


def test_what_is_not_measured_or_has_no_price_is_a_sentence(view):
    view.menus["speed"].value = 500
    assert view._said.value.count("Not measured.") == 2 and "nearest points" in view._said.value
    view.menus["price"].value = "market_index"
    assert "GB300 has no such price." in view._said.value
    assert "not measured" in str(view.chart().to_dict())


def test_a_menu_moves_number_and_chart(view):
    bundle = view._repr_mimebundle_()
    assert engine.WIDGET in bundle and len(bound(outputs.chart_of(bundle))) == 2
    before, spec = view.answer, view._widget.spec
    view.menus["use"].value = 0.3
    assert view.answer[0]["usd_per_mtok"] == pytest.approx(2 * before[0]["usd_per_mtok"])
    assert view._widget.params.use == 0.3 and view._widget.spec is spec
    view.menus["subject"].value = "b200"
    assert view._widget.spec is not spec and not bound(view._widget.spec)


def test_a_menu_moved_while_another_is_answered_is_answered_too(view, monkeypatch):
    """JupyterLab sends the messages of widgets to the kernel's main thread and to one beside it."""
    view._repr_mimebundle_()
    is_drawing, go_on, drawn = threading.Event(), threading.Event(), view.chart

    def draws_slowly(**options):
        is_drawing.set()
        assert go_on.wait(30)
        return drawn(**options)

    monkeypatch.setattr(view, "chart", draws_slowly)
    system = threading.Thread(target=setattr, args=(view.menus["subject"], "value", "b200"))
    use = threading.Thread(target=setattr, args=(view.menus["use"], "value", 0.3))
    system.start()
    assert is_drawing.wait(30)
    use.start()
    use.join(0.2)
    go_on.set()
    system.join(30), use.join(30)
    b200 = view.answer[0]
    assert b200["system"] == "B200" and show.usd(b200["usd_per_mtok"]).strip("$") in view._said.value
    assert view._widget.params.use == 0.3


def test_picked_points_come_back_as_rows(view):
    view._repr_mimebundle_()
    assert view.selection.is_empty() and "Shift" in view._told.value
    point = outputs.chart_of(view._repr_mimebundle_())
    name = next(iter(row["point_id"] for rows in point["datasets"].values() for row in rows if "point_id" in row))
    signal = {"vlPoint": {"or": [{"point_id": name}]}}  # as Vega tells it
    view._widget._vl_selections = {"picked": {"value": signal, "store": []}}
    assert view.selection["point_id"].to_list() == [name] and view._told.value.startswith("1 point picked")


def test_a_stored_notebook_holds_no_widget(view):
    output = nbformat.v4.new_output("execute_result", data=view._repr_mimebundle_(), execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("view", outputs=[output])])
    (cell,) = engine.clean(notebook).cells
    assert engine.WIDGET not in cell.outputs[0].data and outputs.chart_of(cell.outputs[0].data)


def test_an_unknown_menu_is_refused(db):
    with pytest.raises(TypeError, match="explore\\(\\) has no menu 'sped'"):
        explore(db, sped=3)
