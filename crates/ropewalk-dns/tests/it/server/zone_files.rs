//! Master files, and what is wrong with them.

use ropewalk_dns::zone::{Zone, ZoneError, read_zone};

const HEAD: &str = "$TTL 60\n@ SOA ns hm 1 1 1 1 30\n NS ns\nns A 192.0.2.1\n";

fn read(text: &str) -> Result<(Zone, Vec<String>), ZoneError> {
    let include = &mut |path: &str, from: &str| match path {
        "more.zone" => Ok((path.to_owned(), b"www A 192.0.2.2\n $GENERATE\n".to_vec())),
        "fine.zone" => Ok((path.to_owned(), b"www A 192.0.2.2\n".to_vec())),
        "itself" => Ok((path.to_owned(), b"$INCLUDE itself\n".to_vec())),
        _ => Err(format!("{from} asks for {path}, which is not there")),
    };
    let apex = "example".parse().unwrap();
    let (zone, warnings) = read_zone(Some(&apex), "a.zone", text.as_bytes(), include)?;
    Ok((zone, warnings.iter().map(ToString::to_string).collect()))
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = read(text).expect_err("it is wrong").to_string();
    assert_eq!(error, expected, "{text}");
}

#[track_caller]
fn check_warning(text: &str, expected: &[&str]) {
    assert_eq!(read(text).expect("it can be served").1, expected, "{text}");
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    check_error("@ 60 NS ns.other.\n", "example.: the zone has no SOA record");
    check_error(
        "@ 60 SOA ns hm 1 1 1 1 30\n",
        "example.: the zone has no NS record at its own name",
    );
    let with = |line: &str| format!("{HEAD}{line}\n");
    check_error(&with("www A 192.0.2"), "a.zone:5: expected IPv4 address");
    check_error(&with("other.org. A 192.0.2.1"), "a.zone:5: other.org.: is not in the zone");
    check_error(&with("a CNAME b\na A 192.0.2.1"), "a.zone:6: a.example.: has a CNAME and also A");
    check_error(&with("a CNAME b\na CNAME c"), "a.zone:6: a.example.: has more than one CNAME");
    check_error(
        &with("a SOA ns hm 1 1 1 1 1"),
        "a.zone:5: a.example.: has a SOA record, but is not the zone's own name",
    );
    check_error(
        &with("@ SOA ns hm 2 1 1 1 1"),
        "a.zone:5: example.: the zone has more than one SOA record",
    );
    check_error(&with("a TXT (\"b\"\nc A 192.0.2.1"), "a.zone:5: a parenthesis is not closed");
    check_error(&with("a TXT \"b\" )"), "a.zone:5: a parenthesis closes nothing");
    check_error(&with("a TXT \"b\nc A 192.0.2.1"), "a.zone:5: a quote is not closed");
    check_error(&with("a ANY \\# 0"), "a.zone:5: a.example.: ANY is no type of data");
    check_error(
        &with("$GENERATE 5-1 a$ A 192.0.2.1"),
        "a.zone:5: $GENERATE is START-STOP[/STEP] and a record, of at most 65,536 lines",
    );
}

#[test]
fn several_errors_are_counted() {
    let text = format!("{HEAD}a.org. A 192.0.2.1\nb.org. A 192.0.2.1\n");
    check_error(&text, "a.zone:5: a.org.: is not in the zone (and 1 more)");
}

#[test]
fn what_is_odd_is_warned_of() {
    let with = |lines: &str| format!("{HEAD}{lines}\n");
    check_warning(
        &with("a 5 A 192.0.2.1\na 9 A 192.0.2.2"),
        &["a.zone:6: a.example.: the TTLs of its A records differ; the smallest holds"],
    );
    check_warning(
        &with("sub NS ns.sub"),
        &["a.zone:5: ns.sub.example.: is a name server of this zone and has no address here"],
    );
    check_warning(
        &with("sub NS ns\nx.sub TXT \"x\""),
        &["a.zone:6: x.sub.example.: nobody is given its TXT: it is below a delegation or a DNAME"],
    );
    check_warning(
        &with("sub NS alias\nalias CNAME ns"),
        &["a.zone:5: alias.example.: is a name server, and an alias"],
    );
}

#[test]
fn files_include_others() {
    let (zone, _) = read(&format!("{HEAD}$INCLUDE fine.zone in\n$INCLUDE fine.zone\n")).unwrap();
    let names: Vec<String> =
        zone.records().map(|record| record.owner.escape_ascii().to_string()).collect();
    assert!(names.iter().any(|name| name.contains("www\\x02in")), "{names:?}");
    check_error(
        &format!("{HEAD}$INCLUDE gone.zone\n"),
        "a.zone:5: $INCLUDE: a.zone asks for gone.zone, which is not there",
    );
    check_error(
        &format!("{HEAD}$INCLUDE more.zone\n"),
        "more.zone:2: $GENERATE is START-STOP[/STEP] and a record, of at most 65,536 lines",
    );
    check_error(&format!("{HEAD}$INCLUDE itself\n"), "itself:1: files include each other too deep");
}

#[test]
fn a_zone_without_a_name_has_that_of_its_soa() {
    let include = &mut |_: &str, _: &str| Err(String::new());
    let text = HEAD.replace('@', "$ORIGIN a.test.\n@");
    let (zone, _) = read_zone(None, "x", text.as_bytes(), include).unwrap();
    assert_eq!(zone.apex(), b"\x01a\x04test\0");
    assert_eq!(zone.soa().serial, 1);
    let error = read_zone(None, "x", b"$ORIGIN a.\n@ 1 A 1.2.3.4\n", include).err().unwrap();
    assert_eq!(error.to_string(), "x:1: the zone has no SOA record");
}
