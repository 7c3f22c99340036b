//! SQL as hunters write it: `source.ip` without quotes, `raw()` and `has_text('…')` without the columns they are made of.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::sql::{
    parser::Statement,
    sqlparser::ast::{
        AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart,
        visit_expressions_mut,
    },
};

use super::functions::{HAS_TEXT, RAW};

/// Puts in what was left out.
pub(crate) fn complete(statement: &mut Statement, columns: &BTreeSet<String>) {
    if let Statement::Statement(inner) = statement {
        let _: ControlFlow<()> = visit_expressions_mut(inner.as_mut(), |expression| {
            let parts = if let Expr::CompoundIdentifier(parts) = expression {
                Some(parts.clone())
            } else if let Expr::CompoundFieldAccess { root, access_chain } = expression {
                parts_of(root, access_chain)
            } else {
                None
            };
            if let Some(column) = parts.and_then(|parts| dotted(&parts, columns)) {
                *expression = column;
            } else if let Expr::Function(call) = expression {
                complete_call(call);
            }
            ControlFlow::Continue(())
        });
    }
}

/// The parts of `user.name`, which is not read as a name, because `user` alone would be a function.
fn parts_of(root: &Expr, chain: &[AccessExpr]) -> Option<Vec<Ident>> {
    let Expr::Function(Function {
        name: ObjectName(name),
        args: FunctionArguments::None,
        ..
    }) = root
    else {
        return None;
    };
    let [ObjectNamePart::Identifier(first)] = name.as_slice() else {
        return None;
    };
    let rest = chain.iter().map(|access| {
        let AccessExpr::Dot(Expr::Identifier(name)) = access else {
            return None;
        };
        Some(name.clone())
    });
    std::iter::once(Some(first.clone())).chain(rest).collect()
}

/// A column whose name has dots, with or without the name of its table.
fn dotted(parts: &[Ident], columns: &BTreeSet<String>) -> Option<Expr> {
    let name = |parts: &[Ident]| {
        let names: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
        names.join(".").to_lowercase()
    };
    let quoted = |name: String| Ident::with_quote('"', name);
    let whole = name(parts);
    if columns.contains(&whole) {
        return Some(Expr::Identifier(quoted(whole)));
    }
    let (table, rest) = parts.split_first()?;
    let rest = name(rest);
    columns
        .contains(&rest)
        .then(|| Expr::CompoundIdentifier(vec![table.clone(), quoted(rest)]))
}

fn complete_call(call: &mut Function) {
    let ObjectName(parts) = &call.name;
    let [ObjectNamePart::Identifier(name)] = parts.as_slice() else {
        return;
    };
    let wanted = match name.value.to_lowercase().as_str() {
        RAW => 0,
        HAS_TEXT => 1,
        _others => return,
    };
    let FunctionArguments::List(list) = &mut call.args else {
        return;
    };
    if list.args.len() == wanted {
        let column = |name| FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(Ident::new(name))));
        list.args.insert(0, column("fields"));
        list.args.insert(1, column("raw_shape"));
    }
}
