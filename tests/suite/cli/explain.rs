//! `cnnsize explain`: sums written out, and numbers that somebody gave. All figures are from sums done by hand.

use super::{file, folder, run};

const EXERCISE: &str = "examples/textbook.arch";

fn explained(args: &[&str]) -> String {
    let run = run(&[&["explain"], args].concat());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    run.out
}

/// Published in the exercise's answer: 2,800 + 180,200 + 720,400 parameters.
#[test]
fn parameters_are_written_out() {
    let text = explained(&[EXERCISE, "params"]);
    for line in [
        "conv1: (3·3·3 + 1)·100 = 2,800",
        "conv2: (3·3·100 + 1)·200 = 180,200",
        "conv3: (3·3·200 + 1)·400 = 720,400",
        "sum:   2,800 + 180,200 + 720,400 = 903,400",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// 27·100 weights at 100·150 positions.
#[test]
fn multiply_accumulates_of_a_layer_are_written_out() {
    let text = explained(&[EXERCISE, "macs", "conv1"]);
    assert!(text.contains("conv1: 3·3·3·100 · 100·150 = 40,500,000"), "{text}");
    assert!(!text.contains("conv2"), "{text}");
}

/// 6 MB and 3 MB alive at once; 50 times 6 + 3 + 1.52 MB and 0.72 MB of input.
#[test]
fn memory_is_written_out() {
    let text = explained(&[EXERCISE, "memory", "--batch", "50"]);
    assert!(text.contains("conv3:      50·400·25·38·4 = 76,000,000"), "{text}");
    assert!(text.contains("= 565,613,600 B = 565.6 MB = 539.4 MiB"), "{text}");
    let text = explained(&[EXERCISE, "memory"]);
    assert!(text.contains("6,000,000 + 3,000,000 + 3,613,600 = 12,613,600 B"), "{text}");
    assert!(text.contains("903400·4 = 3,613,600"), "{text}");
}

/// Each number with what must be said of it.
#[test]
fn answers_are_told_apart() {
    for (number, batch, said) in [
        ("902,700", "1", "902,700 = params without the biases: 903,400 counted"),
        ("902,700", "1", "902,700 = weights"),
        ("2,700", "1", "2,700 = conv1.params without the biases: 2,800 counted"),
        ("564.6 MB", "50", "564.6 MB = train.memory with rounded parts: 565,613,600 B"),
        ("537.7 MB", "50", "537.7 MB = train.memory in MiB instead of MB and with rounded parts: 565,613,600 B"),
        ("18.6 MB", "1", "none"),
        ("1.4G", "1", "1.4 G = macs, rounded: 1,399,500,000 counted"),
    ] {
        let run = run(&["explain", EXERCISE, "--batch", batch, "--answer", number]);
        assert_eq!((run.code, run.err.as_str()), (Some(i32::from(said == "none")), ""), "{number}");
        assert!(run.out.contains(said), "{number}: {said} is not in\n{}", run.out);
    }
    // The exercise's batch is not in the file.
    let run = run(&["explain", EXERCISE, "--answer", "565.6 MB"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("--batch 50"), "{}", run.err);
}

#[test]
fn a_layer_goes_with_a_sum_of_layers() {
    for (words, said) in [(&["memory", "conv2"][..], "memory is of the whole model"), (&["conv2"], "`params conv2`")] {
        let run = run(&[&["explain", EXERCISE], words].concat());
        assert_eq!(run.code, Some(2), "{words:?}");
        assert!(run.err.contains(said), "{said} is not in\n{}", run.err);
    }
}

#[test]
fn settings_of_a_configuration_are_told() {
    let folder = folder("explain_config");
    let config = file(&folder, "cnnsize.yaml", "defaults: { batch: 50 }\n");
    let model = file(&folder, "net.arch", "input 3@8x8\nconv 4 3x3\n");
    let run = run(&["explain", &model, "params", "--config", &config]);
    assert_eq!(run.code, Some(0));
    assert!(run.err.contains("cnnsize.yaml` sets batch 50"), "{}", run.err);
}

#[test]
fn words_have_pages() {
    for (word, said) in [
        ("bias-before-norm", "Ioffe and Szegedy"),
        ("two-numbers", "conv 32 3"),
        ("conv", "filters, needed"),
        ("fc", "units, needed"),
        ("BatchNormalization", "running statistic, not a parameter"),
        ("shortcut", "conv c 1x1 /s nobias bn"),
        ("conventions", "goodfellow"),
        ("thop", "softmax: counted as nn.Softmax, not as a function call"),
        ("timm", "say `fvcore`"),
    ] {
        let text = explained(&[word]);
        assert!(text.contains(said), "{word}: {said} is not in\n{text}");
    }
    let run = run(&["explain", "bias-before-nrom"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("did you mean `bias-before-norm`?"), "{}", run.err);
}

#[test]
fn what_cannot_be_explained_is_said() {
    for (args, said) in [
        (&["explain", EXERCISE, "params", "conv9"][..], "there is no layer `conv9`"),
        (&["explain", EXERCISE, "--answer", "12 Mb"], "`Mb` is no unit"),
        (&["explain", EXERCISE], "add `params`, `macs` or `memory`"),
    ] {
        let run = run(args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.err.contains(said), "{args:?}: {}", run.err);
    }
}
