//! Help in the console, from the verb table.

use clap::CommandFactory as _;

use crate::ui::show::text::page;
use crate::ui::table::Line;

/// The verbs and the console's own words, one line each.
pub(crate) fn all(verbs: &[String]) -> String {
    let own = ["help [VERB], VERB ?  more about a verb", "exit, quit, ctrl-d   leave"];
    let own: String = own.iter().map(|line| format!("  {line}\n")).collect();
    format!("{}{own}", list(verbs))
}

/// These verbs, one line each.
pub(crate) fn list(names: &[String]) -> String {
    let table = Line::command();
    let about = |name: &String| {
        let verb = table.find_subcommand(name);
        let about = verb.and_then(clap::Command::get_about).map(ToString::to_string);
        about.unwrap_or_else(|| "a word of the console itself".to_owned())
    };
    let lines: Vec<String> =
        names.iter().map(|name| format!("  {name:<12} {}", about(name))).collect();
    if lines.is_empty() { page(&["  no verb begins like that"]) } else { page(&lines) }
}

/// Everything about one verb.
pub(crate) fn verb(name: &str) -> String {
    let mut table = Line::command();
    table.build();
    let text = table.find_subcommand_mut(name).map(|verb| verb.render_help().to_string());
    page(&text.unwrap_or_default().lines().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::console::resolve::verbs;
    use crate::ui::show::text::WIDTH;

    #[test]
    fn the_list_fits_a_screen_and_every_page_its_columns() {
        let text = all(&verbs());
        assert!(text.lines().count() <= 23, "{text}");
        for name in verbs() {
            let page = verb(&name);
            assert!(page.contains("Examples:"), "{name}");
            assert!(page.lines().all(|line| line.len() <= WIDTH && line.is_ascii()), "{page}");
        }
    }
}
