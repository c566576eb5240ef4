#!/usr/bin/env python3
"""Times cnnsize beside what people would run instead, as whole processes, in turns.

usage: cargo build --release && target/python/bin/python benches/peers.py [--rounds 5] [--large]

Prints, for each network, the CPU seconds (user and system, the median of the rounds) and the largest resident memory of
every program, and how many times more the others take. Peers that are not installed are left out: `onnx` comes with
`./test`, `pip install onnx-tool` adds another. --large adds a file near 2 GB and a graph of 10^6 nodes.
"""
import argparse
import concurrent.futures
import importlib.util
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
CNNSIZE = ROOT / "target/release/cnnsize"
PEERS = {
    "onnx.load + infer_shapes": ("onnx", "import onnx; onnx.shape_inference.infer_shapes(onnx.load({path!r}))"),
    "infer_shapes_path": ("onnx", "import onnx; onnx.shape_inference.infer_shapes_path({path!r}, {out!r})"),
    "onnx-tool": ("onnx_tool", "import onnx_tool; onnx_tool.model_profile({path!r})"),
}


def measure(command):
    """CPU seconds and peak resident MiB of a process; None when it fails."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.execv(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        return None
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def apart(make, *arguments):
    """Makes a file in a process of its own: what this one holds would count as the memory of those that it starts."""
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        return pool.submit(make, *arguments).result()


def exported(directory, example, model):
    """A network of examples/ with weights, as cnnsize writes it."""
    path = directory / f"{model}.onnx"
    source = ROOT / "examples" / example
    subprocess.run([CNNSIZE, "export", source, "--model", model, "-o", path], check=True, stdout=subprocess.DEVNULL)
    return path


def chain(directory, nodes):
    """3x3 convolutions, rectifiers and additions in a row, one kernel for every 50 convolutions."""
    from onnx import TensorProto, helper, save

    kernel = bytes(4 * 16 * 16 * 9)
    made, weights, last, current = [], [], "x", ""
    for i in range(nodes // 3):
        if i % 50 == 0:
            current = f"layer{i}.weight"
            weights.append(helper.make_tensor(current, TensorProto.FLOAT, [16, 16, 3, 3], kernel, raw=True))
        made.append(helper.make_node("Conv", [last, current], [f"layer{i}.conv"], f"/layer{i}/Conv", pads=[1] * 4))
        made.append(helper.make_node("Relu", [f"layer{i}.conv"], [f"layer{i}.relu"], f"/layer{i}/Relu"))
        made.append(helper.make_node("Add", [f"layer{i}.relu", last], [f"layer{i}.add"], f"/layer{i}/Add"))
        last = f"layer{i}.add"
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 32, 32])]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)]
    graph = helper.make_graph(made, "chain", inputs, outputs, weights)
    path = directory / f"{nodes}-nodes.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def heavy(directory):
    """Eleven dense layers of 167 MB each: 1.85 GB in one file."""
    from onnx import TensorProto, helper, save

    width = 6464
    weights = [helper.make_tensor(f"w{i}", TensorProto.FLOAT, [width, width], bytes(4 * width * width), raw=True) for i in range(11)]
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(11)]
    inputs = [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, width])]
    outputs = [helper.make_tensor_value_info("x11", TensorProto.FLOAT, [1, width])]
    path = directory / "heavy.onnx"
    save(helper.make_model(helper.make_graph(nodes, "heavy", inputs, outputs, weights)), path)
    return path


def compare(path, rounds):
    """The median of every program on one file, in turns, so that a busy machine is busy for all of them."""
    out = str(path.with_suffix(".out"))
    commands = {"cnnsize": [str(CNNSIZE), str(path), "--format", "json"]}
    for name, (package, program) in PEERS.items():
        if importlib.util.find_spec(package):
            commands[name] = [sys.executable, "-c", program.format(path=str(path), out=out)]
    measured = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            measured[name].append(measure(command))
    pathlib.Path(out).unlink(missing_ok=True)
    print(f"\n{path.stem} ({path.stat().st_size / 1e6:,.0f} MB)")
    best = None
    for name, runs in measured.items():
        if None in runs:
            print(f"  {name:28} fails")
            continue
        cpu, memory = (statistics.median(figures) for figures in zip(*runs))
        best = best or (cpu, memory)
        print(f"  {name:28} {cpu:9.4f} s {memory:9.1f} MiB {cpu / best[0]:9.1f} x {memory / best[1]:7.1f} x")
    return best


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--large", action="store_true")
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        for example, model in (("resnet.arch", "resnet50"), ("vgg.arch", "vgg16")):
            compare(exported(directory, example, model), arguments.rounds)
        sizes = [10**4, 10**5] + [10**6] * arguments.large
        cpu = [compare(apart(chain, directory, nodes), arguments.rounds)[0] for nodes in sizes]
        exponents = [math.log10(b / a) for a, b in zip(cpu, cpu[1:])]
        print(f"\nCPU grows with nodes to the power of {', '.join(f'{e:.2f}' for e in exponents)}")
        if arguments.large:
            compare(apart(heavy, directory), arguments.rounds)


if __name__ == "__main__":
    main()
