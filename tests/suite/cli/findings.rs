//! Every format of findings: what it must look like, by its own rules, and that no name changes more than its own text.

use super::{Run, command, ended, file, folder, run};
use crate::files;
use crate::onnx::build;
use serde_json::{Value, json};
use std::path::Path;

const FORMATS: &[&str] = &["text", "concise", "json", "jsonl", "github", "gitlab", "junit", "sarif"];

/// Names that mean something to terminals, logs of build servers, web pages, XML, spreadsheets.
const HOSTILE: &[&str] = &[
    "a\u{1b}[31m\n::error ::x<b>&\".arch",
    "::error file=x::y.arch",
    "##vso[task.setvariable]x.arch",
    "=cmd|' -C calc'!A0.arch",
    "]]> <!-- --> <script>x</script>.arch",
    "a%0A::warning::b.arch",
    "line\r\ntab\ttitle\u{1b}]0;x\u{7}.arch",
    "\u{202e}hcra.a\u{200b}.arch",
    "x,line=1;y:2.arch",
];

fn run_in(folder: &Path, args: &[&str]) -> Run {
    ended(&command(args).current_dir(folder).output().expect("the program starts"))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What is said in a format about a text of this name with an error on its second line.
fn of_text(test: &str, name: &str, format: &str) -> String {
    let folder = folder(&format!("findings_{test}_{format}"));
    file(&folder, name, "input 3@8x8\ncnov 4 \u{202e}<script>\n");
    let run = run_in(&folder, &["check", "--isolated", "-f", format, "--", name]);
    assert_eq!(run.code, Some(1), "{format}: {}", run.err);
    run.out
}

/// What is said in a format about a graph whose only node and operator have this name.
fn of_graph(name: &str, format: &str) -> String {
    let mut node = build::node(&json!(["X", "x", "y"]));
    node.name = name.as_bytes().to_vec().into();
    node.op_type = node.name.clone();
    let mut graph = build::graph(&json!({ "x": "f32[1,2]" }), &json!([]), &json!({ "y": "f32[1,2]" }));
    graph.node = vec![prost::Message::encode_to_vec(&node).into()];
    let folder = folder(&format!("findings_node_{format}"));
    file(&folder, "graph.onnx", build::file(&build::model(&json!({ "": 20 }), graph, &[])));
    run_in(&folder, &["check", "--isolated", "-f", format, "graph.onnx"]).out
}

#[test]
fn no_format_lets_a_hostile_name_through() {
    for format in FORMATS {
        for name in HOSTILE {
            for out in [of_text("hostile", name, format), of_graph(name, format)] {
                let hidden = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
                assert!(!out.contains(hidden), "{format} {name:?}: {out:?}");
                assert!(!out.contains("##vso["), "{format}: {out}");
                match *format {
                    // A command on every line, and none inside.
                    "github" => check_github(&out),
                    "junit" => check_junit(&out),
                    "json" | "gitlab" | "sarif" => drop(parsed(&out)),
                    "jsonl" => out.lines().for_each(|line| drop(parsed(line))),
                    _ => assert!(!out.lines().any(|line| line.trim_start().starts_with("::")), "{format}: {out}"),
                }
            }
        }
    }
}

#[test]
fn findings_for_programs_are_as_their_schema_says() {
    let schema = parsed(&run(&["schema", "findings"]).out);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for name in HOSTILE {
        let report = parsed(&of_text("schema", name, "json"));
        let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let first = &report["findings"][0];
        assert_eq!((&first["path"], &first["line"], &first["column"]), (&json!(name), &json!(2), &json!(8)));
        let lines = of_text("schema", name, "jsonl");
        assert_eq!(&parsed(lines.lines().next().expect("a line")), first);
    }
    let summary = &parsed(&of_text("schema", "a.arch", "json"))["summary"];
    assert_eq!((&summary["files"], &summary["warnings"]), (&json!(1), &json!(0)));
    assert!(validator.is_valid(&parsed(&of_graph("a", "json"))));
    assert!(validator.is_valid(&parsed(&run(&["check", "--isolated", "-f", "json", "examples/mnist.arch"]).out)));
}

/// GitLab's documentation, "Code Quality report format": the fields that it reads, and their values.
#[test]
fn gitlab_reads_what_it_documents() {
    let schema = json!({ "type": "array", "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": { "type": "string", "minLength": 1 },
            "check_name": { "type": "string", "minLength": 1 },
            "fingerprint": { "type": "string", "minLength": 1 },
            "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
            "location": { "type": "object", "required": ["path", "lines"], "properties": {
                "path": { "type": "string", "not": { "pattern": "^(\\./|/)" } },
                "lines": { "type": "object", "required": ["begin"], "properties": { "begin": { "type": "integer", "minimum": 1 } } },
            } },
        },
    } });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let issues = parsed(&of_text("gitlab", "./a.arch", "gitlab"));
    assert!(validator.is_valid(&issues), "{issues}");
    assert_eq!((&issues[0]["location"]["lines"]["begin"], &issues[0]["severity"]), (&json!(2), &json!("major")));
    assert!(validator.is_valid(&parsed(&of_graph("a", "gitlab"))));
    // Two of a kind on one line are two issues.
    let folder = folder("findings_gitlab_twice");
    file(&folder, "a.arch", "input 3@8x8\nconv 4 3x3 smae; conv 4 3x3 smae\n");
    let issues = parsed(&run_in(&folder, &["check", "--isolated", "-f", "gitlab", "a.arch"]).out);
    assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
}

/// OASIS' schema, but for one pattern that has a bracket too many to be a regular expression (of `language`).
#[test]
fn sarif_is_as_oasis_has_it() {
    let schema = parsed(&files::read("tests/corpus/check/sarif-2.1.0.schema.json"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let fine = run(&["check", "--isolated", "-f", "sarif", "examples/textbook.arch"]).out;
    let logs = HOSTILE.iter().flat_map(|name| [of_text("oasis", name, "sarif"), of_graph(name, "sarif")]);
    for log in logs.chain([fine]) {
        let errors: Vec<_> = validator.iter_errors(&parsed(&log)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn commands_of_github_say_what_json_says() {
    for name in HOSTILE {
        let findings = parsed(&of_text("github", name, "json"));
        let lines = of_text("github", name, "github");
        check_github(&lines);
        let line = lines.lines().next().expect("a line");
        let (head, message) = line.strip_prefix("::error ").and_then(|rest| rest.split_once("::")).expect("a command");
        let value = |key: &str| {
            let pair = head.split(',').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            unescaped(pair.unwrap_or_else(|| panic!("no {key} in {head}")))
        };
        let first = &findings["findings"][0];
        assert_eq!(value("line"), first["line"].to_string());
        assert_eq!(value("title"), first["code"].as_str().expect("a code"));
        assert!(unescaped(message).starts_with(first["message"].as_str().expect("a message")), "{message}");
    }
}

/// The rules of escaping of GitHub's toolkit (`packages/core/src/command.ts`), turned round.
fn unescaped(text: &str) -> String {
    [("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// Every line is one command with properties that GitHub knows, and nothing in them ends it early.
fn check_github(out: &str) {
    for line in out.lines() {
        let command = ["::error ", "::warning ", "::notice "].into_iter().find_map(|head| line.strip_prefix(head));
        let (head, _) = command.and_then(|rest| rest.split_once("::")).unwrap_or_else(|| panic!("no command: {line}"));
        for pair in head.split(',') {
            let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("no property: {pair}"));
            assert!(["file", "title", "line", "endLine", "col", "endColumn"].contains(&key), "{key}");
            assert!(!value.contains(':'), "{line}");
        }
    }
}

/// What Jenkins' xUnit plugin takes (`junit-10.xsd`): elements with the attributes and children that they may have; a `!`
/// is for what they must have.
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    (
        "testsuite",
        &["!name", "!tests", "!failures", "!errors", "group", "time", "skipped", "timestamp", "hostname", "id", "file"],
        &["testsuite", "properties", "testcase", "system-out", "system-err"],
    ),
    (
        "testcase",
        &["!name", "time", "classname", "group"],
        &["skipped", "error", "failure", "system-out", "system-err"],
    ),
    ("failure", &["type", "message"], &[]),
    ("system-out", &[], &[]),
];

fn check_junit(out: &str) {
    let document = roxmltree::Document::parse(out).unwrap_or_else(|error| panic!("{error}: {out}"));
    assert_eq!(document.root_element().tag_name().name(), "testsuites");
    for element in document.descendants().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name();
        let (_, attributes, children) = JUNIT.iter().find(|(known, ..)| *known == name).expect("a known element");
        let is_known = |name: &str| attributes.iter().any(|known| known.trim_start_matches('!') == name);
        assert!(element.attributes().all(|attribute| is_known(attribute.name())), "{name}: {out}");
        let needed = attributes.iter().filter_map(|name| name.strip_prefix('!'));
        assert!(needed.into_iter().all(|needed| element.has_attribute(needed)), "{name}: {out}");
        let mut inner = element.children().filter(roxmltree::Node::is_element);
        assert!(inner.all(|child| children.contains(&child.tag_name().name())), "{name}: {out}");
    }
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let failures = document.descendants().filter(|node| node.has_tag_name("failure")).count();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!(suite.attribute("tests"), Some(cases.len().to_string().as_str()));
    assert_eq!(suite.attribute("failures"), Some(failures.to_string().as_str()));
}

#[test]
fn junit_has_a_case_for_what_is_fine_too() {
    let fine = run(&["check", "--isolated", "-f", "junit", "examples/textbook.arch"]).out;
    check_junit(&fine);
    assert!(fine.contains("<testcase name=\"examples/textbook.arch\""), "{fine}");
    assert!(fine.contains("tests=\"1\" failures=\"0\""), "{fine}");
    check_junit(&run(&["check", "--isolated", "-f", "junit", "examples/mnist.arch"]).out);
}
