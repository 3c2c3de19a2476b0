/// The report page's skeleton. Its values are escaped before they are filled in.
enum ReportTemplate {
    /// What the page may load and run: nothing from anywhere, and no script but its own, named by its SHA-256.
    static let contentPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src '\(scriptHash)'; base-uri 'none'; form-action 'none'"

    static let page = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="{{{policy}}}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{{title}}}</title>
        <style>
        {{{style}}}</style>
        </head>
        <body>
        <header>
        <p class="kicker">{{{kicker}}}</p>
        <h1>{{{title}}}</h1>
        <p class="summary">{{{summary}}}</p>
        </header>
        {{#hasContents}}
        <nav aria-label="Contents">
        {{#sections}}
        <a href="#{{{name}}}">{{{title}}}</a>
        {{/sections}}
        </nav>
        {{/hasContents}}
        <main>
        {{#hasCards}}
        <div class="cards">
        {{#cards}}
        <div class="card {{{tone}}}"><p class="label">{{{label}}}</p><p class="figure">{{{value}}}</p>{{{trend}}}<p class="detail">{{{detail}}}</p></div>
        {{/cards}}
        </div>
        {{/hasCards}}
        {{#sections}}
        <section id="{{{name}}}">
        <h2>{{{title}}}</h2>
        <p class="introduction">{{{introduction}}}</p>
        {{{body}}}
        </section>
        {{/sections}}
        </main>
        <footer>{{{footer}}}</footer>
        <script>{{{script}}}</script>
        </body>
        </html>

        """
}
