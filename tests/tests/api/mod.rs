//! The public API of a crate, read from its sources: what can be reached from its root by public modules and re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::{Attribute, Fields, Ident, ImplItem, Item, Meta, Type, UseTree, Visibility};

type ModulePath = Vec<String>;

/// What a name stands for: a module, or an item of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(ModulePath),
    Item(ModulePath, String),
}

/// All modules of a crate, without tests.
pub(crate) struct Crate {
    name: String,
    modules: BTreeMap<ModulePath, Vec<Item>>,
}

impl Crate {
    /// Reads a crate from its root.
    pub(crate) fn read(root: &Path, name: &str) -> Self {
        let mut found = Self { name: name.to_owned(), modules: BTreeMap::new() };
        let directory = root.parent().unwrap();
        found.read_file(root, directory, Vec::new());
        found
    }

    fn read_file(&mut self, file: &Path, directory: &Path, path: ModulePath) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(parsed.items, directory, path);
    }

    /// Adds a module, whose files are in `directory`.
    fn add(&mut self, items: Vec<Item>, directory: &Path, path: ModulePath) {
        let items: Vec<Item> = items.into_iter().filter(|item| !is_left_out(attributes(item))).collect();
        for item in &items {
            let Item::Mod(module) = item else { continue };
            let (name, mut inner) = (module.ident.to_string(), path.clone());
            inner.push(name.clone());
            let below = directory.join(&name);
            match &module.content {
                Some((_, items)) => self.add(items.clone(), &below, inner),
                None => {
                    let files: [PathBuf; 2] = [directory.join(format!("{name}.rs")), below.join("mod.rs")];
                    let file = files.iter().find(|file| file.exists()).unwrap_or_else(|| panic!("no file for {inner:?}"));
                    self.read_file(file, &below, inner);
                }
            }
        }
        self.modules.insert(path, items);
    }

    /// One line for each thing that others can name, sorted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (mut lines, mut named) = (BTreeSet::new(), BTreeMap::new());
        self.walk(&Vec::new(), &self.name, &mut lines, &mut named, 0);
        for (module, items) in &self.modules {
            for item in items {
                self.implementation(module, item, &named, &mut lines);
            }
        }
        lines.into_iter().collect()
    }

    /// Walks what is public in a module that is known as `known_as`.
    fn walk(
        &self,
        module: &ModulePath,
        known_as: &str,
        lines: &mut BTreeSet<String>,
        named: &mut BTreeMap<Target, String>,
        depth: usize,
    ) {
        assert!(depth < 16, "{known_as} re-exports itself");
        for item in &self.modules[module] {
            match item {
                Item::Mod(inner) if is_public(&inner.vis) => {
                    let (path, known_as) = (joined(module, &inner.ident), format!("{known_as}::{}", inner.ident));
                    lines.insert(format!("pub mod {known_as}"));
                    self.walk(&path, &known_as, lines, named, depth + 1);
                }
                Item::Use(import) if is_public(&import.vis) => {
                    for (path, name) in leaves(&import.tree) {
                        let known_as = format!("{known_as}::{name}");
                        match self.resolve(module, &path, 0) {
                            Some(Target::Module(path)) => {
                                lines.insert(format!("pub mod {known_as}"));
                                self.walk(&path, &known_as, lines, named, depth + 1);
                            }
                            Some(Target::Item(path, name)) => self.item(&path, &name, &known_as, lines, named),
                            None => drop(lines.insert(format!("pub use {known_as} = {}", path.join("::")))),
                        }
                    }
                }
                _ => {
                    if let Some(name) = public_name(item) {
                        self.item(module, &name, &format!("{known_as}::{name}"), lines, named);
                    }
                }
            }
        }
    }

    /// The lines of one item, but for what is implemented for it.
    fn item(
        &self,
        module: &ModulePath,
        name: &str,
        known_as: &str,
        lines: &mut BTreeSet<String>,
        named: &mut BTreeMap<Target, String>,
    ) {
        let found = self.modules[module].iter().find(|item| declared_name(item).as_deref() == Some(name));
        let item = found.unwrap_or_else(|| panic!("no {name} in {module:?}"));
        let first = named.entry(Target::Item(module.clone(), name.to_owned())).or_insert_with(|| known_as.to_owned()).clone();
        if first != known_as {
            lines.insert(format!("pub use {known_as} = {first}"));
            return;
        }
        let open = if has(attributes(item), "non_exhaustive") { " #[non_exhaustive]" } else { "" };
        match item {
            Item::Struct(item) => {
                lines.insert(format!("pub struct {known_as}{}{open}", text(&item.generics)));
                fields(&item.fields, known_as, true, lines);
            }
            Item::Enum(item) => {
                lines.insert(format!("pub enum {known_as}{}{open}", text(&item.generics)));
                for field in item.variants.iter().flat_map(|variant| &variant.fields).filter(|field| has(&field.attrs, "from")) {
                    lines.insert(format!("impl From<{}> for {known_as}", text(&field.ty)));
                }
                for variant in &item.variants {
                    let name = format!("{known_as}::{}", variant.ident);
                    match &variant.fields {
                        Fields::Named(_) => {
                            lines.insert(format!("variant {name} {{ }}"));
                            fields(&variant.fields, &name, false, lines);
                        }
                        unnamed => drop(lines.insert(format!("variant {name}{}", text(unnamed)))),
                    }
                }
            }
            Item::Fn(item) => drop(lines.insert(signature(&item.sig, known_as))),
            Item::Const(item) => drop(lines.insert(format!("pub const {known_as}: {}", text(&item.ty)))),
            Item::Static(item) => drop(lines.insert(format!("pub static {known_as}: {}", text(&item.ty)))),
            Item::Type(item) => drop(lines.insert(format!("pub type {known_as}{} = {}", text(&item.generics), text(&item.ty)))),
            Item::Trait(item) => {
                let bounds = text(&item.supertraits);
                lines.insert(format!("pub trait {known_as}{}: {bounds}", text(&item.generics)));
                for inner in &item.items {
                    match inner {
                        syn::TraitItem::Fn(inner) => {
                            let given = if inner.default.is_some() { " (given)" } else { "" };
                            lines.insert(format!("{}{given}", signature(&inner.sig, &format!("{known_as}::{}", inner.sig.ident))))
                        }
                        other => lines.insert(format!("in trait {known_as}: {}", text(other))),
                    };
                }
            }
            _ => panic!("{known_as} is of a kind that is not known here"),
        }
        for name in derived(attributes(item)) {
            lines.insert(format!("impl {name} for {known_as}"));
        }
    }

    /// What one `impl` offers of a type that others can name.
    fn implementation(&self, module: &ModulePath, item: &Item, named: &BTreeMap<Target, String>, lines: &mut BTreeSet<String>) {
        let Item::Impl(item) = item else { return };
        let Type::Path(of) = &*item.self_ty else { return };
        let path: Vec<String> = of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let Some(known_as) = self.resolve(module, &path, 0).and_then(|target| named.get(&target)) else { return };
        if let Some((implemented, _)) = &item.trait_ {
            let last = implemented.segments.last().map(text).unwrap_or_default();
            let arguments = of.path.segments.last().map(|segment| text(&segment.arguments)).unwrap_or_default();
            lines.insert(format!("impl {last} for {known_as}{arguments}"));
            return;
        }
        for inner in &item.items {
            match inner {
                ImplItem::Fn(inner) if is_public(&inner.vis) && !is_left_out(&inner.attrs) => {
                    lines.insert(signature(&inner.sig, &format!("{known_as}::{}", inner.sig.ident)));
                }
                ImplItem::Const(inner) if is_public(&inner.vis) => {
                    lines.insert(format!("pub const {known_as}::{}: {}", inner.ident, text(&inner.ty)));
                }
                _ => {}
            }
        }
    }

    /// What a path means in a module; nothing if it leads to another crate.
    fn resolve(&self, module: &ModulePath, path: &[String], depth: usize) -> Option<Target> {
        if depth > 16 {
            return None;
        }
        let (mut place, mut rest) = (module.clone(), path);
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "crate" => place.clear(),
                "super" => drop(place.pop()),
                "self" => {}
                _ => break,
            }
            rest = after;
        }
        let [first, after @ ..] = rest else { return Some(Target::Module(place)) };
        let found = self.look_up(&place, first, depth)?;
        match (found, after) {
            (found, []) => Some(found),
            (Target::Module(place), after) => self.resolve(&place, after, depth + 1),
            (Target::Item(..), _) => None,
        }
    }

    fn look_up(&self, module: &ModulePath, name: &str, depth: usize) -> Option<Target> {
        let items = self.modules.get(module)?;
        let mut inner = module.clone();
        inner.push(name.to_owned());
        if self.modules.contains_key(&inner) {
            return Some(Target::Module(inner));
        }
        if items.iter().any(|item| declared_name(item).as_deref() == Some(name)) {
            return Some(Target::Item(module.clone(), name.to_owned()));
        }
        let imports =
            items.iter().filter_map(|item| if let Item::Use(import) = item { Some(leaves(&import.tree)) } else { None });
        let mut fitting = imports.flatten().filter(|(_, known_as)| known_as == name || known_as == "*");
        fitting.find_map(|(path, known_as)| {
            if known_as != "*" {
                return self.resolve(module, &path, depth + 1);
            }
            let Some(Target::Module(place)) = self.resolve(module, &path, depth + 1) else { return None };
            self.resolve(&place, &[name.to_owned()], depth + 1)
        })
    }
}

fn joined(module: &ModulePath, name: &Ident) -> ModulePath {
    module.iter().cloned().chain([name.to_string()]).collect()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Tests, and what is hidden from the documentation.
fn is_left_out(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let words = list.tokens.to_string();
        (list.path.is_ident("cfg") && words == "test") || (list.path.is_ident("doc") && words == "hidden")
    })
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

fn derived(attributes: &[Attribute]) -> Vec<String> {
    let lists = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("derive") => Some(list.tokens.to_string()),
        _ => None,
    });
    let names: Vec<String> =
        lists.flat_map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()).collect();
    names.into_iter().filter(|name| !name.is_empty()).map(|name| name.replace(' ', "")).collect()
}

fn declared_name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Struct(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

fn public_name(item: &Item) -> Option<String> {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        _ => return None,
    };
    declared_name(item).filter(|_| is_public(visibility))
}

/// The paths that a `use` names, and as what; `*` for all of a module.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    match tree {
        UseTree::Name(name) if name.ident == "self" => vec![(Vec::new(), String::from("self"))],
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        UseTree::Glob(_) => vec![(Vec::new(), String::from("*"))],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let inner = leaves(&path.tree).into_iter().map(|(mut rest, known_as)| {
                let known_as = if known_as == "self" { first.clone() } else { known_as };
                rest.insert(0, first.clone());
                (rest, known_as)
            });
            inner.collect()
        }
    }
}

/// The fields that others can name; those of a variant are public.
fn fields(fields: &Fields, known_as: &str, of_struct: bool, lines: &mut BTreeSet<String>) {
    for (field, number) in fields.iter().zip(0..) {
        if is_public(&field.vis) || !of_struct {
            let name = field.ident.as_ref().map_or_else(|| format!("{number}"), Ident::to_string);
            lines.insert(format!("field {known_as}::{name}: {}", text(&field.ty)));
        }
    }
}

fn signature(signature: &syn::Signature, known_as: &str) -> String {
    let whole = text(signature);
    let name = format!("fn {}", signature.ident);
    let (qualifiers, rest) = whole.split_once(&name).expect("it is a function");
    format!("pub {qualifiers}fn {known_as}{rest}")
}

/// Tokens as people write them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string().replace('\n', " ");
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("- >", "->"),
        ("->", " ->"),
        ("  ->", " ->"),
        ("& ", "&"),
        (" ,", ","),
        (" ;", ";"),
        (" :", ":"),
        ("( ", "("),
        (" )", ")"),
        ("[ ", "["),
        (" ]", "]"),
        (" (", "("),
        ("->(", "-> ("),
        (",(", ", ("),
        (":(", ": ("),
        (",)", ")"),
        // how a function binds what it is given is its own affair
        ("(mut ", "("),
        (", mut ", ", "),
    ] {
        text = text.replace(from, to);
    }
    text
}
