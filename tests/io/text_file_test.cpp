#include "io/text_file.hpp"

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {

TEST_CASE("UTF-8 is told from what is not") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xC2\x80\xDF\xBF \xE0\xA0\x80\xEF\xBF\xBF \xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
  CHECK(is_utf8(std::string_view("\0x", 2)));
  // Lone continuation, overlong forms, surrogates, beyond U+10FFFF, truncated, bytes that never occur.
  for (const char* wrong :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC2", "\xE2\x82", "\xF0\x9F\x98", "\xE2(\xA1", "\xFF"}) {
    CHECK(first_invalid_utf8(wrong) == 0U);
    CHECK(first_invalid_utf8(std::string("ab\xC3\xA9") + wrong) == 4U);
  }
}

TEST_CASE("files are read whole") {
  const testing::TempDir dir;
  write_file_atomically(dir.path("empty"), "");
  CHECK(read_file(dir.path("empty")).empty());
  const std::string large(300'001, 'x');
  write_file_atomically(dir.path("large"), large);
  CHECK(read_file(dir.path("large")) == large);
  write_file_atomically(dir.path("marked"), "\xEF\xBB\xBFtext\n");
  CHECK(read_text_file(dir.path("marked")) == "text\n");
  CHECK(read_file(dir.path("marked")).size() == 8);
}

TEST_CASE("unreadable and wrong text files are refused with a place") {
  const testing::TempDir dir;
  const auto where_of = [](const std::filesystem::path& path) -> std::string {
    try {
      read_text_file(path);
    } catch (const InputError& error) {
      return error.problem().where + "|" + error.problem().what;
    }
    return "no error";
  };
  CHECK(where_of(dir.path("missing")) ==
        dir.path("missing").string() + "|cannot read: No such file or directory");
  CHECK(where_of(dir.root()) == dir.root().string() + "|cannot read: Is a directory");
  write_file_atomically(dir.path("latin1"), "one\ntwo\nf\xFCnf\n");
  CHECK(where_of(dir.path("latin1")) == dir.path("latin1").string() + ":3|not UTF-8");
  write_file_atomically(dir.path("dump"), "\x89HDF\r\n\x1A\n");
  CHECK(where_of(dir.path("dump")) == dir.path("dump").string() + "|not a text");
  CHECK(binary_kind("\x89HDF\r\n\x1A\n") == "an HDF5 file");
  CHECK(binary_kind("text").empty());
}

}  // namespace toptheta
