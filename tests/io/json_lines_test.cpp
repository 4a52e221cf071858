#include "io/json_lines.hpp"

#include <vector>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

std::vector<JsonLine> lines_of(const std::filesystem::path& path) {
  std::vector<JsonLine> lines;
  for_each_json_line(path, [&](const JsonLine& line) { lines.push_back(line); });
  return lines;
}

Problem refused_lines(const testing::TempDir& dir, const std::string& text) {
  const std::filesystem::path path = dir.path("x.jsonl");
  write_file_atomically(path, text);
  try {
    lines_of(path);
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError for " << text);
  return {};
}

}  // namespace

TEST_CASE("every line is one value; blank lines, byte order mark and carriage returns are accepted") {
  const testing::TempDir dir;
  write_file_atomically(dir.path("x.jsonl"), "\xEF\xBB\xBF{\"a\": 1}\r\n\n  \t\r\n[2, \"\xC3\xA9\"]\n3");
  const std::vector<JsonLine> lines = lines_of(dir.path("x.jsonl"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].value.integer("a", 0, 9) == 1);
  CHECK(lines[0].number == 1);
  CHECK(lines[1].value.elements()[1].text() == "\xC3\xA9");
  CHECK(lines[1].number == 4);
  CHECK(lines[1].where == dir.path("x.jsonl").string() + ":line 4");
  CHECK(lines[2].value.integer(3, 3) == 3);
  write_file_atomically(dir.path("empty.jsonl"), "");
  CHECK(lines_of(dir.path("empty.jsonl")).empty());
}

TEST_CASE("wrong lines are refused with file and line") {
  const testing::TempDir dir;
  const std::string file = dir.path("x.jsonl").string();
  const Problem syntax = refused_lines(dir, "{}\n\n{\"a\": }\n");
  CHECK(syntax.where == file + ":line 3, column 7");
  CHECK(syntax.what == "not valid JSON");
  CHECK(refused_lines(dir, "{\n  \"schema\": 1\n}\n").expected.find("on each line") != std::string::npos);
  CHECK(refused_lines(dir, "{} {}\n").where == file + ":line 1, column 4");
  CHECK(refused_lines(dir, "{\"a\":\n1}\n").where == file + ":line 1, column 6");
  CHECK(refused_lines(dir, "{\"cut\": \"of").where == file + ":line 1, column 12");
  const Problem bytes = refused_lines(dir, "1\n\"\xFF\"\n");
  CHECK(bytes.where == file + ":line 2, column 2");
  CHECK(bytes.what == "not UTF-8");
}

TEST_CASE("deep nesting is no way to crash") {
  const testing::TempDir dir;
  CHECK(refused_lines(dir, "{}\n" + std::string(300'000, '[')).what.find("nested too deeply") !=
        std::string::npos);
}

TEST_CASE("a missing file and a directory are refused") {
  const testing::TempDir dir;
  CHECK_THROWS_AS(lines_of(dir.path("none.jsonl")), InputError);
  CHECK_THROWS_AS(lines_of(dir.root()), InputError);
}

}  // namespace toptheta
