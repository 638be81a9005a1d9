"""Nothing private gets into a bug report."""

from addon.model import diagnostics


def test_secrets_names_and_folders_are_taken_out(monkeypatch, tmp_path):
    monkeypatch.setenv("USER", "mathilda")
    monkeypatch.setenv("HOME", str(tmp_path / "mathilda"))
    token = "k3" * 20
    text = (
        f"The token {token} of /home/mathilda/My/song.wav and C:\\Users\\Mathilda\\take.blend: Mathilda said no. "
        f"short-secret {'q' * 30} http://127.0.0.1:8000 48000 Hz"
    )
    clean = diagnostics.scrub(text, ("short-secret", ""))
    for private in (token, "mathilda", "Mathilda", "home", "Users", "short-secret", "q" * 30):
        assert private not in clean
    for useful in (".wav", ".blend", "48000 Hz", "said no"):
        assert useful in clean


def test_a_report_is_readable():
    text = diagnostics.report({"Scene": {"takes": 3, "rate": 24.0}, "Server": {"device": "cpu"}})
    assert text.splitlines() == ["## Scene", "takes: 3", "rate: 24.0", "", "## Server", "device: cpu"]
