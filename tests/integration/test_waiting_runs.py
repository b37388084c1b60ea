"""Runs that wait: as many as a worker can be asked for, and no more."""

from tests.integration.town import RUNS, Town, do_jobs


def test_no_more_than_five_runs_wait(hamlet: Town) -> None:
    asked = [hamlet.send("POST", RUNS, {}) for _ in range(6)]
    assert [answer.status_code for answer in asked] == [202] * 5 + [409]
    assert "5 runs wait already" in asked[-1].json()["detail"]
    do_jobs(hamlet)
    assert hamlet.send("POST", RUNS, {}).status_code == 202
    do_jobs(hamlet)
