#include "core/sha256.hpp"

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;

namespace {
void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}
}  // namespace

TEST_CASE("SHA-256 of texts and files", "[sha256]") {
  const std::string abc =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-4 example
  CHECK(sha256_of_text("abc") == abc);
  CHECK(sha256_of_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const testing::TempDir dir;
  write(dir.path("a"), "abc");
  CHECK(sha256_of_path(dir.path("a")) == abc);
  CHECK_THROWS_AS(sha256_of_path(dir.path("missing")), InputError);
}

TEST_CASE("a directory's digest covers names and contents", "[sha256]") {
  const testing::TempDir dir;
  write(dir.path("a"), "1");
  write(dir.path("b"), "2");
  const std::string before = sha256_of_path(dir.root());
  write(dir.path("b"), "3");
  const std::string changed = sha256_of_path(dir.root());
  CHECK(before != changed);
  std::filesystem::rename(dir.path("b"), dir.path("c"));
  CHECK(sha256_of_path(dir.root()) != changed);
}
