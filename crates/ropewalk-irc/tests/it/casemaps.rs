//! The case mappings that servers name.

use ropewalk_irc::CaseMapping;

#[test]
fn each_mapping_folds_its_own_letters() {
    let rows = [
        (CaseMapping::Ascii, "az[]\\^É"),
        (CaseMapping::Rfc1459Strict, "az{}|^É"),
        (CaseMapping::Rfc1459, "az{}|~É"),
    ];
    for (mapping, folded) in rows {
        assert_eq!(mapping.fold("AZ[]\\^É"), folded);
        assert!(mapping.same("AZ[]\\^É", folded));
        assert!(!mapping.same("AZ[]\\^É", "az[]\\^é"));
        assert!(!mapping.same("az", "azz"));
    }
}

#[test]
fn a_mapping_is_read_from_its_word() {
    assert_eq!("ascii".parse(), Ok(CaseMapping::Ascii));
    assert_eq!("rfc1459".parse(), Ok(CaseMapping::Rfc1459));
    assert_eq!("strict-rfc1459".parse(), Ok(CaseMapping::Rfc1459Strict));
    assert!("rfc8265".parse::<CaseMapping>().is_err());
}
