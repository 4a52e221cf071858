#include "core/utf8.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"

namespace toptheta {

TEST_CASE("what steers a terminal is written out, text is left alone") {
  CHECK(printable("plain, \xC3\xA9t\xC3\xA9, \xE4\xB8\xAD, \xF0\x9F\x98\x80") ==
        "plain, \xC3\xA9t\xC3\xA9, \xE4\xB8\xAD, \xF0\x9F\x98\x80");
  CHECK(printable("\x1B]0;title\x07") == "\\x1B]0;title\\x07");
  CHECK(printable(std::string_view("a\0b\x7F", 4)) == "a\\x00b\\x7F");
  CHECK(printable("a\nb\tc\r") == "a\\nb\\tc\\r");
  CHECK(printable("a\nb\x1B", true) == "a\nb\\x1B");
  CHECK(printable("\xC2\x9B"
                  "31m") == "\\u009B31m");
  CHECK(printable("a\xE2\x80\xAE"
                  "b\xE2\x81\xA6") == "a\\u202Eb\\u2066");
  CHECK(printable("\xFF\xC3") == "\\xFF\\xC3");
}

TEST_CASE("long text is cut between characters") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcd", 3) == "abc...");
  CHECK(shortened("a\xC3\xA9\xC3\xA9", 2) == "a...");
  CHECK(shortened("\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 7) == "\xF0\x9F\x98\x80...");
}

TEST_CASE("messages cannot carry escape sequences of files, only their own line breaks") {
  const InputError error({.where = "a\x1B[2Jb", .what = "x\ny", .found = "\x9D"});
  CHECK(std::string(error.what()) == "a\\x1B[2Jb: x\ny\n  found: \\x9D");
}

}  // namespace toptheta
