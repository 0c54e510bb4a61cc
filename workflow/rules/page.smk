# Results that the page of a run shows (`snakemake --report`), each with a caption.
# Tables that are read, not only computed with.
TABLES_ON_PAGE = {
    "audit": "The claims of the lecture note",
    "learnability": "What predicts what is learnt",
    "published": "What was published, and what is found here",
    "slopes": "Slope of transport beside theory",
    "summary_median": "Loss, horizon and spectrum of every grid point",
    **({"remedies": "What each remedy changes"} if COMPARING else {}),
}


def drawn(names, path, of):
    """Figures by name, each as PDF, and as PNG for the page; a star in the path is the name."""
    places = {name: path.replace("*", name) for name in names}
    return {
        name: [
            f"{place}.pdf",
            on_page(f"{place}.png", f"figures/{name}", "Figures", FIGURES[name].title, of),
        ]
        for name, place in places.items()
    }


def table(path):
    """A table, for the page where it is short enough to be read there."""
    name = Path(path).stem
    if path.endswith(".csv") and name in TABLES_ON_PAGE:
        return on_page(path, f"tables/{name}", "Tables", TABLES_ON_PAGE[name])
    return path


def document(path, title, of=None):
    """A document, for the page."""
    return on_page(path, f"documents/{Path(path).stem}", "Documents", title, of)


def on_page(path, caption, category, title, of=None):
    """A result that the page shows: with a caption, a title, and what it is of unless the whole."""
    caption = f"../report/{caption}.rst"
    return report(path, caption, category, subcategory=of, labels={"result": title})
