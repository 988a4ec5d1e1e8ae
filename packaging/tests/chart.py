"""The chart, tried with the real helm: it is sound in the eyes of helm's linter and of the schemas of Kubernetes, and what it sets is what
the server knows.

    python chart.py TOLLKEEPER

Runs where `helm`, `kubernetes-validate` and PyYAML are installed beside this Python.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

TOLLKEEPER = os.path.realpath(sys.argv[1])
TOOLS = pathlib.Path(sys.executable).parent
PACKAGING = pathlib.Path(__file__).resolve().parent.parent
CHART = PACKAGING / "helm" / "tollkeeper"
FILE = """\
[[upstreams]]
name = "openai"
api_key_variable = "OPENAI_API_KEY"
"""
EVERYTHING = {
    "allowedHosts": ["ai.example.org"],
    "config": FILE,
    "env": {"TOLLKEEPER_BACKUP__EVERY": "12h"},
    "secretName": "providers",
    "metrics": {"enabled": True},
    "storage": {"className": "fast"},
    "service": {"type": "LoadBalancer"},
}


def image_variables() -> dict[str, str]:
    """What the image sets."""
    text = (PACKAGING / "container" / "Dockerfile").read_text()
    return dict(re.findall(r"(TOLLKEEPER_\w+)=(\S+)", text))


def rendered(folder: pathlib.Path, values: dict) -> dict[str, dict]:
    """The objects that the chart makes of values, by kind, after the linter and the schemas have seen them."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    subprocess.run([TOOLS / "helm", "lint", "--strict", "--quiet", "-f", path, CHART], check=True)
    command = [TOOLS / "helm", "template", "gate", CHART, "--namespace", "ai", "-f", path]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    objects = folder / "objects.yaml"
    objects.write_text(text)
    subprocess.run([TOOLS / "kubernetes-validate", "--strict", "--quiet", objects], check=True)
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


def check(values: dict) -> str:
    """What `config check` says of the settings that a pod has."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = rendered(folder, values)
        container = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
        variables = {one["name"]: one["value"] for one in container["env"]}
        variables = image_variables() | {"OPENAI_API_KEY": "sk-of-a-provider"} | variables
        variables["TOLLKEEPER_STORAGE__DATA_DIR"] = name
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        assert variables["TOLLKEEPER_SERVER__LISTEN"].endswith(f":{ports['http']}"), (variables, ports)
        if "TOLLKEEPER_CONFIG" in variables:
            mounted = [one["mountPath"] for one in container["volumeMounts"]]
            assert variables["TOLLKEEPER_CONFIG"] in mounted, (variables, mounted)
            file = folder / "config.toml"
            file.write_text(objects["ConfigMap"]["data"]["config.toml"])
            variables["TOLLKEEPER_CONFIG"] = str(file)
        targets = {one["targetPort"] for one in objects["Service"]["spec"]["ports"]}
        assert targets == set(ports), (targets, ports)
        command = [TOLLKEEPER, "config", "show", "--origin"]
        checked = subprocess.run([TOLLKEEPER, "config", "check"], env=variables, capture_output=True, text=True)
        assert checked.returncode == 0, checked
        return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout


def main() -> None:
    plain = check({})
    assert '"gate.ai.svc.cluster.local"' in plain, plain
    everything = check(EVERYTHING)
    for shown in ["ai.example.org", "openai", "0.0.0.0:9464", "12h"]:
        assert shown in everything, (shown, everything)
    print("chart: rendered, valid, and its settings are known")


main()
