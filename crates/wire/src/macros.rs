//! The macro behind the errcode table: one line per code, with a doc sentence that is also readable at run time.

/// Makes `ErrCode` from rows of the form `/// sentence` `Name = number, "errmsg";`.
macro_rules! errcodes {
    ($( #[doc = $meaning:literal] $name:ident = $code:literal, $message:literal; )+) => {
        /// An errcode other than 0, as sent to the caller.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrCode {
            $( #[doc = $meaning] $name, )+
        }

        impl ErrCode {
            /// The number on the wire.
            pub fn code(self) -> i64 {
                match self { $( Self::$name => $code, )+ }
            }

            /// The text on the wire, without the ` rid: …` suffix.
            pub fn message(self) -> &'static str {
                match self { $( Self::$name => $message, )+ }
            }

            /// The name used in code, logs and documentation.
            pub fn name(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }

            /// What the code tells the caller, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning.trim_ascii(), )+ }
            }

            /// All codes, in ascending order.
            pub fn all() -> &'static [ErrCode] {
                &[ $( Self::$name, )+ ]
            }

            /// The code with this number, if the table has it; 0 is not in the table.
            pub fn from_code(code: i64) -> Option<ErrCode> {
                match code { $( $code => Some(Self::$name), )+ _ => None }
            }
        }
    };
}
