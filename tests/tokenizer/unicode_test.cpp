#include "tokenizer/unicode.hpp"

#include "support/catch.hpp"
#include "tokenizer/byte_alphabet.hpp"

using namespace toptheta;

TEST_CASE("valid UTF-8 is told from invalid", "[unicode]") {
  CHECK_FALSE(find_invalid_utf8("").has_value());
  CHECK_FALSE(find_invalid_utf8("aé日\U0001F44D\U0010FFFF").has_value());
  CHECK(find_invalid_utf8("ab\x80") == 2U);            // a continuation byte alone
  CHECK(find_invalid_utf8("\xC0\xAF") == 0U);          // overlong
  CHECK(find_invalid_utf8("x\xE0\x80\x80") == 1U);     // overlong
  CHECK(find_invalid_utf8("\xED\xA0\x80") == 0U);      // a surrogate
  CHECK(find_invalid_utf8("\xF4\x90\x80\x80") == 0U);  // past U+10FFFF
  CHECK(find_invalid_utf8("abc\xF0\x9F\x91") == 3U);   // cut off
}

TEST_CASE("every maximal invalid part becomes one replacement character", "[unicode]") {
  CHECK(to_valid_utf8("a\xF0\x9F\x91z") == "a\uFFFDz");
  CHECK(to_valid_utf8("\xE6\x97") == "\uFFFD");
  CHECK(to_valid_utf8("\xFF\x80é") == "\uFFFD\uFFFDé");
  CHECK(to_valid_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("characters survive encoding and decoding", "[unicode]") {
  for (const char32_t c : {0x24U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    std::string text;
    append_utf8(text, c);
    CHECK(first_code_point(text) == c);
    CHECK(utf8_length(text[0]) == text.size());
    CHECK(count_code_points(text + "x" + text) == 3);
  }
}

TEST_CASE("white space is stripped at both ends", "[unicode]") {
  CHECK(strip_white_space("  a b\t\n") == "a b");
  CHECK(strip_white_space("\u3000a\u00A0") == "a");
  CHECK(strip_white_space(" \u2003\n").empty());
  CHECK(trailing_white_space("a \u3000") == 4);
  CHECK(leading_white_space("\u200Ba") == 0);  // a zero-width space is not white
}

TEST_CASE("bytes and their symbols are one to one", "[byte_alphabet]") {
  CHECK(byte_symbols("a \n") == "aĠĊ");
  for (int value = 0; value < 256; ++value) {
    const std::string symbol = byte_symbols(std::string(1, static_cast<char>(value)));
    CHECK(count_code_points(symbol) == 1);
    CHECK(byte_of_symbol(first_code_point(symbol)) == static_cast<char>(value));
  }
  CHECK_FALSE(byte_of_symbol(U' ').has_value());
  CHECK_FALSE(byte_of_symbol(U'日').has_value());
}
