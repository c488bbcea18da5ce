/// A split pattern that Quern knows by its text, by its name in `formats/pre-tokenizers.json`.
///
/// A pattern is never executed: what it matches is written out in `SplitPattern+Matching.swift`.
enum SplitPattern: String, CaseIterable, Sendable {
  /// Llama 3: words with one character before them, up to three digits.
  case llama3 = "L3"
  /// Qwen 2 and 3: the same with single digits.
  case qwen2 = "Q2"
  /// Qwen 3.5: marks belong to words.
  case qwen35 = "Q35"
  /// DeepSeek V3 and V4: up to three digits.
  case deepSeekDigits = "D1"
  /// DeepSeek V3 and V4: runs of ideographs and kana.
  case deepSeekIdeographs = "D2"
  /// DeepSeek V3 and V4: words, punctuation, white space.
  case deepSeekWords = "D3"
  /// DeepSeek Coder: a line break.
  case coderLineBreak = "C1"
  /// DeepSeek Coder: letters with a space before them.
  case coderLetters = "C2"
  /// DeepSeek Coder: punctuation with a space before it.
  case coderPunctuation = "C3"
  /// DeepSeek Coder: runs of East Asian characters.
  case coderIdeographs = "C4"
  /// GPT-2: what a ByteLevel step with its own pattern splits by.
  case gpt2 = "GPT2"
}
