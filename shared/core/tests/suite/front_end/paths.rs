use std::collections::BTreeSet;

use nightshift_core::release::front_end::*;

use super::front_end;

fn stale(prefix: &str, key: &str) -> String {
    match arrival(&front_end(prefix, &[]), key) {
        Arrival::NotServed => "not served".to_owned(),
        Arrival::Hashed => "hashed".to_owned(),
        Arrival::Stale(stale) => stale.paths.into_iter().collect::<Vec<_>>().join(" "),
    }
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn the_origin_path_is_cut_off_and_what_lies_elsewhere_is_not_served() {
    let table = [
        ("", "index.html", "/ /index.html"),
        ("", "docs/index.html", "/docs/ /docs/index.html"),
        ("", "docs/old-index.html", "/docs/old-index.html"),
        ("site/", "site/index.html", "/ /index.html"),
        ("site", "site/a.txt", "/a.txt"),
        ("/site/", "site/a.txt", "/a.txt"),
        ("site/v2/", "site/v2/a/b.txt", "/a/b.txt"),
        ("site", "site2/a.txt", "not served"),
        ("site", "site", "not served"),
        ("site", "other/a.txt", "not served"),
        // The marker that consoles make for an empty folder.
        ("", "docs/", "/docs/"),
        ("site", "site/", "/"),
    ];
    for (prefix, key, paths) in table {
        assert_eq!(stale(prefix, key), paths, "{prefix:?} {key:?}");
    }
}

#[test]
fn characters_that_cloudfront_wants_encoded_are_and_no_others() {
    let table = [
        ("a b.txt", "/a%20b.txt"),
        ("größe.txt", "/gr%C3%B6%C3%9Fe.txt"),
        ("50%.txt", "/50%25.txt"),
        ("what?.txt", "/what%3F.txt"),
        ("~ann/[1]{2}|^`\"<#>\\.txt", "/%7Eann/%5B1%5D%7B2%7D%7C%5E%60%22%3C%23%3E%5C.txt"),
        ("a+b&c=d,e;f@g!h$i'j(k)l*m:n.txt", "/a+b&c=d,e;f@g!h$i'j(k)l*m:n.txt"),
        ("tab\there.txt", "/tab%09here.txt"),
    ];
    for (key, path) in table {
        assert_eq!(stale("", key), path);
    }
}

#[test]
fn names_that_change_with_the_content_need_no_invalidation() {
    let hashed = [
        "main.3f2a1b9c.js",
        "main.3f2a1b9c4d5e6f708192.chunk.css",
        "static/js/2.8c7d6e5f.chunk.js.map",
        "static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg",
        "runtime-3F2A1B9C.js",
        "3f2a1b9c.js",
        "assets/index-BfJz3K2p.js",
        "assets/index-D3xW9aQ1.css",
        "chunk-5UKX7BVP.js",
        "main-FFHMD2TL.js",
        "polyfills-5INURTSO.js",
        "_next/static/chunks/framework-8a2b3c4d5e6f7a8b.js",
        "app_k3j2x9qz.mjs",
        "fonts/inter-4c1d2e3f.woff2",
        "app-0a1b2c3d.wasm",
        // From digits to letters and back.
        "logo.12ab3456.svg",
        // Five parts are no UUID.
        "my-own-web-app-main-3f2a1b9c.js",
        "a-b-c-d-e-3f2a1b9c.js",
    ];
    for key in hashed {
        assert_eq!(stale("", key), "hashed", "{key}");
    }
}

#[test]
fn what_only_looks_a_little_like_it_is_invalidated() {
    let plain = [
        "index.html",
        "favicon.ico",
        "robots.txt",
        "service-worker.js",
        "sw.js",
        "manifest.webmanifest",
        "asset-manifest.json",
        "ngsw.json",
        "main.js",
        "jquery-3.7.1.min.js",
        // A date, a time, a number: a report may be written anew under its name.
        "report-20261120.pdf",
        "report-20261120.json",
        "IMG_20261120T101112.jpg",
        "photo-1731369600.jpg",
        "order-123456789012.json",
        // Words with a number.
        "christmas2026.jpg",
        "summer-SUMMER24.js",
        "INVOICE2.js",
        "iPhone15Pro.js",
        "iOS17iPad.js",
        "mp3tomp4.js",
        "covid19update.js",
        "facade01.png",
        "deadbeef.js",
        "decade2020.css",
        // Too short to tell.
        "app-1a2b3c4.js",
        // Somebody's upload, which may be replaced under the same name.
        "avatars/3f2a1b9c-1d2e-4f5a-8b9c-0d1e2f3a4b5c.png",
        // A page keeps its address.
        "posts/3f2a1b9c4d5e6f70.html",
        "feeds/3f2a1b9c4d5e6f70.xml",
        // A folder's name says nothing of the file's.
        "3f2a1b9c4d5e6f70/data.json",
        "no-ending-3f2a1b9c",
    ];
    for key in plain {
        assert_ne!(stale("", key), "hashed", "{key}");
    }
}

#[test]
fn people_name_further_files_by_path_or_by_name() {
    let of = |patterns: &[&str], key: &str| arrival(&front_end("site", patterns), key);
    for (pattern, key) in [
        ("assets/*", "site/assets/a.css"),
        ("/assets/*", "site/assets/a.css"),
        ("*.chunk.js", "site/x/y.chunk.js"),
        ("v?.bin", "site/x/v1.bin"),
    ] {
        assert_eq!(of(&[pattern], key), Arrival::Hashed, "{pattern} {key}");
    }
    for (pattern, key) in [("assets/*", "site/my/assets/a.css"), ("site/assets/*", "site/assets/a.css"), ("*.chunk.js", "site/x/chunk.js")]
    {
        assert!(matches!(of(&[pattern], key), Arrival::Stale(_)), "{pattern} {key}");
    }
}

#[test]
fn a_coarse_path_is_the_folder_at_the_top() {
    let coarse = |key: &str| match arrival(&front_end("", &[]), key) {
        Arrival::Stale(stale) => stale.coarse.into_iter().collect::<Vec<_>>().join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!(coarse("docs/a/b.txt"), "/docs/*");
    assert_eq!(coarse("docs/index.html"), "/docs/*");
    assert_eq!(coarse("a.txt"), "/a.txt");
    assert_eq!(coarse("index.html"), "/ /index.html");
}

#[test]
fn a_few_paths_stay_as_they_are_and_many_become_folders() {
    let few = set(&["/", "/docs/", "/docs/index.html", "/index.html"]);
    assert_eq!(fewest_paths(&few), few.iter().cloned().collect::<Vec<_>>());
    let docs = |number: usize| (0..number).map(|page| format!("/docs/{page}.html")).collect::<BTreeSet<String>>();
    assert_eq!(fewest_paths(&docs(15)).len(), 15);
    assert_eq!(fewest_paths(&docs(16)), ["/docs/*"]);
    let mut with_root = docs(300);
    with_root.insert("/index.html".into());
    assert_eq!(fewest_paths(&with_root), ["/docs/*", "/index.html"]);
}

#[test]
fn the_narrowest_folder_that_helps_is_named() {
    let mut paths: BTreeSet<String> = (0..20).map(|page| format!("/docs/api/{page}.html")).collect();
    paths.extend(set(&["/docs/index.html", "/docs/"]));
    assert_eq!(fewest_paths(&paths), ["/docs/", "/docs/api/*", "/docs/index.html"]);
    // Many small folders below one: the one above them.
    let paths: BTreeSet<String> = (0..20).map(|page| format!("/docs/{page}/index.html")).collect();
    assert_eq!(fewest_paths(&paths), ["/docs/*"]);
}

#[test]
fn many_in_all_become_the_largest_folders_and_in_the_end_everything() {
    let mut paths: BTreeSet<String> = (0..15).map(|page| format!("/a/{page}.txt")).collect();
    paths.extend((0..10).map(|page| format!("/b/{page}.txt")));
    paths.extend((0..10).map(|page| format!("/{page}.txt")));
    let named = fewest_paths(&paths);
    assert_eq!((named.len(), named.contains(&"/a/*".to_owned()), named.contains(&"/b/*".to_owned())), (21, true, false));
    assert_eq!(fewest_paths(&(0..31).map(|page| format!("/{page}.txt")).collect()), [EVERYTHING]);
    // CloudFront takes only so many wildcards at a time.
    let folders: BTreeSet<String> = (0..11).flat_map(|folder| (0..16).map(move |page| format!("/{folder}/{page}.txt"))).collect();
    assert_eq!(fewest_paths(&folders), [EVERYTHING]);
}

#[test]
fn what_a_wildcard_covers_is_not_named_again() {
    assert_eq!(fewest_paths(&set(&["/*", "/a", "/docs/*"])), ["/*"]);
    assert_eq!(fewest_paths(&set(&["/docs/*", "/docs/", "/docs/a/b", "/docs2/a"])), ["/docs/*", "/docs2/a"]);
}
