//! Equations as `einsum` writes them: `abc,cd->abd`, `...c,cd->...d`.

use keras_kernels::MAX_RANK;

use super::contraction::Labels;
use crate::plan::Message;

/// Letters of one operand, and where its ellipsis is: 0 for none, 1 in front, 2 behind.
#[derive(Clone, Copy)]
pub(crate) struct Term {
    pub(crate) letters: Labels,
    pub(crate) ellipsis: u8,
}

impl Term {
    /// Whether an ellipsis stands for some axes.
    pub(crate) const fn elides(&self) -> bool {
        self.ellipsis != 0
    }

    /// The labels of all axes, with numbered ones for the ellipsis, which stands for `elided` axes.
    pub(crate) const fn labels(&self, elided: usize) -> Labels {
        let mut dots = Labels::NONE;
        while self.elides() && dots.len() < elided {
            dots = dots.with(dots.len() as u8 + 1);
        }
        if self.ellipsis == 1 { dots.and(&self.letters) } else { self.letters.and(&dots) }
    }
}

/// What is said about a text that is no equation.
pub(crate) const fn malformed(equation: &str) -> Message {
    let message = Message::new("cannot read the equation `").text(equation);
    message.text("`; expected a form such as `abc,cd->abd` or `...c,cd->...d`")
}

/// The two operands and the result. A letter occurs once in each; an ellipsis is at an end, and at the same end everywhere.
pub(crate) const fn split(equation: &str) -> Result<[Term; 3], Message> {
    let bytes = equation.as_bytes();
    let mut out = [Term { letters: Labels::NONE, ellipsis: 0 }; 3];
    let (mut at, mut i) = (0, 0);
    while i < bytes.len() {
        let rest = bytes.len() - i;
        if bytes[i].is_ascii_alphabetic() {
            let Term { letters, ellipsis } = out[at];
            if letters.has(bytes[i]) || letters.len() == MAX_RANK || ellipsis == 2 {
                return Err(malformed(equation));
            }
            out[at].letters = letters.with(bytes[i]);
            i += 1;
        } else if rest >= 3 && bytes[i] == b'.' && bytes[i + 1] == b'.' && bytes[i + 2] == b'.' {
            if out[at].ellipsis != 0 {
                return Err(malformed(equation));
            }
            out[at].ellipsis = if out[at].letters.len() == 0 { 1 } else { 2 };
            i += 3;
        } else if bytes[i] == b',' && at == 0 {
            at = 1;
            i += 1;
        } else if rest >= 2 && bytes[i] == b'-' && bytes[i + 1] == b'>' && at == 1 {
            at = 2;
            i += 2;
        } else {
            return Err(malformed(equation));
        }
    }
    let [a, b, c] = out;
    let dots = if a.elides() { a.ellipsis } else { b.ellipsis };
    let together = (!a.elides() || a.ellipsis == dots) && (!b.elides() || b.ellipsis == dots);
    if at != 2 || !together || c.ellipsis != dots || a.letters.len() == 0 && !a.elides() {
        return Err(malformed(equation));
    }
    Ok(out)
}

/// `` axis `c` ``.
pub(crate) const fn name_axis(message: Message, label: u8) -> Message {
    let bytes = [label];
    match std::str::from_utf8(&bytes) {
        Ok(name) if label.is_ascii_alphabetic() => message.text("axis `").text(name).text("` "),
        _ => message.text("an axis of the ellipsis "),
    }
}
