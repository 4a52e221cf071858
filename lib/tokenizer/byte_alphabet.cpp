#include "tokenizer/byte_alphabet.hpp"

#include <array>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

struct Alphabet {
  std::array<std::string, 256> symbol;   // by byte, in UTF-8
  std::array<std::int16_t, 324> byte{};  // by code point; -1 if it stands for no byte
};

// Printable Latin-1 characters stand for their own bytes; the other bytes take the code points from 256 on,
// in order.
Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.byte.fill(-1);
  char32_t next = 256;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    const char32_t symbol = printable ? static_cast<char32_t>(byte) : next++;
    append_utf8(alphabet.symbol[byte], symbol);
    alphabet.byte[symbol] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

const Alphabet& alphabet() {
  static const Alphabet instance = make_alphabet();
  return instance;
}

}  // namespace

std::string byte_symbols(std::string_view text) {
  const Alphabet& table = alphabet();
  std::string symbols;
  symbols.reserve(text.size() + text.size() / 4);
  for (const char c : text)
    symbols.append(table.symbol[static_cast<unsigned char>(c)]);
  return symbols;
}

std::optional<char> byte_of_symbol(char32_t symbol) {
  const Alphabet& table = alphabet();
  if (symbol >= table.byte.size() || table.byte[symbol] < 0) return std::nullopt;
  return static_cast<char>(table.byte[symbol]);
}

}  // namespace toptheta
