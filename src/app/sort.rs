//! The orders of the lists.

/// The order of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Most rows in the wrong place first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// Most rows in the view first.
    View,
    /// Most rows live first.
    Live,
}

impl Sort {
    /// The next order.
    pub fn next(self) -> Sort {
        match self {
            Sort::Worst => Sort::Name,
            Sort::Name => Sort::View,
            Sort::View => Sort::Live,
            Sort::Live => Sort::Worst,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Worst => "worst first",
            Sort::Name => "by name",
            Sort::View => "by view",
            Sort::Live => "by live",
        }
    }
}

/// The order of the views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewSort {
    /// Those that need a person first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// The oldest data first.
    Age,
}

impl ViewSort {
    /// The next order.
    pub fn next(self) -> ViewSort {
        match self {
            ViewSort::Worst => ViewSort::Name,
            ViewSort::Name => ViewSort::Age,
            ViewSort::Age => ViewSort::Worst,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ViewSort::Worst => "worst first",
            ViewSort::Name => "by name",
            ViewSort::Age => "oldest first",
        }
    }
}
