//! The exported surface as text. A change to it must be deliberate: `UPDATE_API=1 cargo test -p
//! fieldfare-ffi --test api` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeSet;
use std::path::Path;

use quote::ToTokens;
use syn::{
    Attribute, Fields, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, ItemTrait, TraitItem,
};

const SNAPSHOT: &str = "api.txt";

#[test]
fn the_surface_is_the_one_committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let surface = surface(&root.join("src"));
    let path = root.join(SNAPSHOT);
    if std::env::var_os("UPDATE_API").is_some() {
        std::fs::write(&path, &surface).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = difference(&committed, &surface);
    assert!(
        difference.is_empty(),
        "the exported surface changed; if that is meant, run with UPDATE_API=1:\n{difference}"
    );
}

#[test]
fn every_exported_call_can_fail() {
    // A panic in a Swift function that does not throw cannot be caught.
    let cannot_panic = [
        "code",
        "explanation",
        "new",
        "cancel",
        "is_cancelled",
        "respond",
        "fail",
        "is_abandoned",
        "stop",
        "default_proximity_config",
        "library_version",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in surface(&root.join("src")).lines() {
        let Some((name, rest)) = line.split_once('(') else {
            continue;
        };
        let Some((_, name)) = name.rsplit_once("fn ") else {
            continue;
        };
        let fails = rest.contains("FfiResult") || rest.contains("Result <");
        assert!(fails || cannot_panic.contains(&name.trim()), "{line}");
    }
}

/// Every exported item, sorted, without its documentation.
fn surface(sources: &Path) -> String {
    let mut items = BTreeSet::new();
    for entry in std::fs::read_dir(sources).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for item in syn::parse_file(&text).unwrap().items {
            items.extend(describe(&item));
        }
    }
    items.into_iter().collect()
}

fn describe(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) => describe_struct(item),
        Item::Enum(item) => describe_enum(item),
        Item::Trait(item) => describe_trait(item),
        Item::Impl(item) => describe_impl(item),
        Item::Fn(item) if says(&item.attrs, "uniffi :: export") => {
            Some(format!("{}\n", text(&item.sig)))
        }
        Item::Macro(item) => {
            let path = text(&item.mac.path);
            let is_types = path == "id_types" || path == "uniffi :: custom_type";
            let tokens = without_docs(item.mac.tokens.clone());
            is_types.then(|| format!("{path} {tokens}\n"))
        }
        _ => None,
    }
}

fn describe_struct(item: &ItemStruct) -> Option<String> {
    let name = &item.ident;
    if says(&item.attrs, "uniffi :: Object") {
        return Some(format!("object {name}\n"));
    }
    says(&item.attrs, "uniffi :: Record")
        .then(|| format!("record {name} {{\n{}}}\n", fields(&item.fields, "    ")))
}

fn describe_enum(item: &ItemEnum) -> Option<String> {
    let kind = if says(&item.attrs, "uniffi :: Error") {
        "error"
    } else if says(&item.attrs, "uniffi :: Enum") || says(&item.attrs, "uniffi :: remote") {
        "enum"
    } else {
        return None;
    };
    let variants: String = item
        .variants
        .iter()
        .map(|variant| {
            format!(
                "    {}\n{}",
                variant.ident,
                fields(&variant.fields, "        ")
            )
        })
        .collect();
    Some(format!("{kind} {} {{\n{variants}}}\n", item.ident))
}

fn describe_trait(item: &ItemTrait) -> Option<String> {
    let methods: String = item
        .items
        .iter()
        .filter_map(|item| match item {
            TraitItem::Fn(method) => Some(format!("    {}\n", text(&method.sig))),
            _ => None,
        })
        .collect();
    says(&item.attrs, "uniffi :: export")
        .then(|| format!("foreign trait {} {{\n{methods}}}\n", item.ident))
}

fn describe_impl(item: &ItemImpl) -> Option<String> {
    let method = |item: &ImplItem| match item {
        ImplItem::Fn(method) => {
            let given: String = attributes(&method.attrs).collect();
            Some(format!("    {given}{}\n", text(&method.sig)))
        }
        _ => None,
    };
    let methods: String = item.items.iter().filter_map(method).collect();
    says(&item.attrs, "uniffi :: export")
        .then(|| format!("methods of {} {{\n{methods}}}\n", text(&item.self_ty)))
}

fn fields(fields: &Fields, indent: &str) -> String {
    let field = |field: &syn::Field| {
        let name = field.ident.as_ref().map(ToString::to_string);
        let given: String = attributes(&field.attrs).collect();
        let name = name.unwrap_or_default();
        format!("{indent}{given}{name}: {}\n", text(&field.ty))
    };
    fields.iter().map(field).collect()
}

/// UniFFI's own attributes with arguments: defaults and constructors.
fn attributes(attrs: &[Attribute]) -> impl Iterator<Item = String> + '_ {
    let ours = |attr: &&Attribute| text(attr.path()).starts_with("uniffi");
    attrs
        .iter()
        .filter(ours)
        .map(|a| format!("{} ", text(&a.meta)))
}

fn says(attrs: &[Attribute], what: &str) -> bool {
    attrs.iter().any(|attr| text(&attr.meta).contains(what))
}

fn without_docs(tokens: proc_macro2::TokenStream) -> String {
    let all = tokens.to_string();
    let lines = all.lines().filter(|line| !line.trim().starts_with("///"));
    let kept: Vec<&str> = lines.collect();
    let mut kept = kept.join(" ");
    while let Some(from) = kept.find("# [doc") {
        let to = kept[from..].find(']').map_or(kept.len(), |n| from + n + 1);
        kept.replace_range(from..to, "");
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn difference(before: &str, after: &str) -> String {
    let lost = before.lines().filter(|line| !after.contains(line));
    let new = after.lines().filter(|line| !before.contains(line));
    let lost = lost.map(|line| format!("- {line}\n"));
    let text: String = lost.chain(new.map(|line| format!("+ {line}\n"))).collect();
    if text.is_empty() && before != after {
        return "the order changed\n".to_owned();
    }
    text
}
