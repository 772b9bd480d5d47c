/// A gate with a slope.
#[allow(non_upper_case_globals)]
pub const swoosh: ::keras::Activation = ::keras::Activation::Custom(
    &::keras::rt::CustomActivation {
        name: "swoosh",
        forward: ::keras::rt::Chain {
            instrs: &[
                ::keras::rt::Instr::Input(0),
                ::keras::rt::Instr::Const(2f64),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 1, 0),
                ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 2),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 0, 3),
            ],
            outputs: &[4],
        },
        backward: ::keras::rt::Chain {
            instrs: &[
                ::keras::rt::Instr::Input(0),
                ::keras::rt::Instr::Const(2f64),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 1, 0),
                ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 2),
                ::keras::rt::Instr::Input(1),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 4, 3),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 4, 0),
                ::keras::rt::Instr::Const(1f64),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Sub, 7, 3),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 3, 8),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 6, 9),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 10, 1),
                ::keras::rt::Instr::Binary(::keras::rt::Binary::Add, 5, 11),
            ],
            outputs: &[12],
        },
    },
);
const _: () = {
    #[allow(dead_code, unused_variables, unused_braces, clippy::all)]
    fn swoosh(x: Tensor) -> Tensor {
        #[allow(unused_imports)]
        use ::keras::ops::*;
        { x * sigmoid(2.0 * x) }
    }
};
