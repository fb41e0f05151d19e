//! `#[message]` and `#[calls]`: what would otherwise be written twice, once for the compiler and once for the wire.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::{
    FnArg, Ident, Item, ItemTrait, LitStr, Pat, ReturnType, TraitItem, Type, parse_macro_input,
};

/// Makes a struct or enum a message: serializable, with a class id that is a stable hash of its name. Two messages of one
/// name in one realm need `#[message(name = "…")]`.
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut name: Option<LitStr> = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("name") {
            name = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            Err(meta.error("expected `name = \"…\"`"))
        }
    });
    parse_macro_input!(arguments with parser);
    let item = parse_macro_input!(item as Item);
    let ident = match &item {
        Item::Struct(item) => item.ident.clone(),
        Item::Enum(item) => item.ident.clone(),
        other => {
            return syn::Error::new_spanned(other, "a message is a struct or an enum")
                .into_compile_error()
                .into();
        }
    };
    let name = name.map_or_else(|| ident.to_string(), |name| name.value());
    quote! {
        #[derive(::realm::serde::Serialize, ::realm::serde::Deserialize)]
        #[serde(crate = "::realm::serde")]
        #item

        impl ::realm::wire::Class for #ident {
            const NAME: &'static str = #name;
        }

        impl ::realm::Message for #ident {}
    }
    .into()
}

/// Makes a trait of async methods callable from anywhere in the realm: `#[calls(group = "accounts", proxy = AccountsProxy)]`.
/// Each method takes `&self` and owned, serializable arguments, and returns a `Result` whose error takes in a
/// `realm::CallError`. The proxy has the same methods, and `serve`, which puts an implementation into a service's table.
#[proc_macro_attribute]
pub fn calls(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut group: Option<LitStr> = None;
    let mut proxy: Option<Ident> = None;
    let parser = syn::meta::parser(|meta| {
        if meta.path.is_ident("group") {
            group = Some(meta.value()?.parse()?);
            Ok(())
        } else if meta.path.is_ident("proxy") {
            proxy = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            Err(meta.error("expected `group = \"…\"` or `proxy = Name`"))
        }
    });
    parse_macro_input!(arguments with parser);
    let item = parse_macro_input!(item as ItemTrait);
    let group = group.map_or_else(
        || item.ident.to_string().to_lowercase(),
        |group| group.value(),
    );
    let proxy = proxy.unwrap_or_else(|| format_ident!("{}Proxy", item.ident));
    expand_calls(&item, &group, &proxy)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn expand_calls(item: &ItemTrait, group: &str, proxy: &Ident) -> syn::Result<Tokens> {
    let name = &item.ident;
    let visibility = &item.vis;
    let attributes = &item.attrs;
    let mut declared = Vec::new();
    let mut called = Vec::new();
    let mut served = Vec::new();
    let mut paths = Vec::new();
    for member in &item.items {
        let TraitItem::Fn(method) = member else {
            return Err(syn::Error::new_spanned(
                member,
                "a trait of calls has methods only",
            ));
        };
        let signature = &method.sig;
        if signature.asyncness.is_none() {
            return Err(syn::Error::new_spanned(
                signature,
                "a call is an async method",
            ));
        }
        let ReturnType::Type(_, output) = &signature.output else {
            return Err(syn::Error::new_spanned(
                signature,
                "a call returns a Result",
            ));
        };
        let docs: Vec<_> = method
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("doc"))
            .collect();
        let (names, types) = arguments_of(signature)?;
        let ident = &signature.ident;
        let path = format!("{group}.{ident}");
        declared.push(quote! {
            #(#docs)*
            fn #ident(&self, #(#names: #types),*) -> impl ::std::future::Future<Output = #output>;
        });
        paths.push(path.clone());
        called.push(quote! {
            #(#docs)*
            #[allow(clippy::too_many_arguments, clippy::missing_errors_doc)]
            pub async fn #ident(&self, #(#names: #types),*) -> #output {
                match self.0.call::<(#(#types,)*), #output>(#path, (#(#names,)*)).await {
                    Ok(answer) => answer,
                    Err(error) => Err(error.into()),
                }
            }
        });
        served.push(quote! {
            let answering = module.clone();
            calls.add(#path, move |(#(#names,)*): (#(#types,)*)| {
                let answering = answering.clone();
                async move { answering.#ident(#(#names),*).await }
            });
        });
    }
    let doc = format!("Calls [`{name}`] wherever it is served.");
    Ok(quote! {
        #(#attributes)*
        #visibility trait #name {
            #(#declared)*
        }

        #[doc = #doc]
        #[derive(Clone)]
        #visibility struct #proxy(::realm::Caller);

        impl #proxy {
            /// The group of services that answer these calls.
            pub const GROUP: &'static str = #group;
            /// The names of these calls.
            pub const METHODS: &'static [&'static str] = &[#(#paths),*];

            /// Calls any service of the group, this node's own first.
            pub fn new(service: &::realm::ServiceCx) -> Self {
                Self(::realm::Caller::group(service, Self::GROUP))
            }

            /// Calls the service at `address`.
            pub fn at(service: &::realm::ServiceCx, address: ::realm::Address) -> Self {
                Self(::realm::Caller::at(service, Self::GROUP, address))
            }

            /// Gives the calls another deadline.
            pub fn within(self, deadline: ::std::time::Duration) -> Self {
                Self(self.0.within(deadline))
            }

            /// Answers these calls with `module`, as a member of the group.
            pub fn serve<T: #name + 'static>(calls: &mut ::realm::CallTable, module: &::std::rc::Rc<T>) {
                calls.join(Self::GROUP);
                #(#served)*
            }

            #(#called)*
        }
    })
}

fn arguments_of(signature: &syn::Signature) -> syn::Result<(Vec<&Ident>, Vec<&Type>)> {
    let mut names = Vec::new();
    let mut types = Vec::new();
    for (index, argument) in signature.inputs.iter().enumerate() {
        match argument {
            FnArg::Receiver(_) if index == 0 => {}
            FnArg::Typed(argument) => {
                let Pat::Ident(name) = &*argument.pat else {
                    return Err(syn::Error::new_spanned(
                        argument,
                        "an argument of a call is a plain name",
                    ));
                };
                names.push(&name.ident);
                types.push(&*argument.ty);
            }
            other => return Err(syn::Error::new_spanned(other, "a call takes &self")),
        }
    }
    Ok((names, types))
}
