#include "io/sealed_file.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("a sealed file gives back its content, or says that it is damaged") {
  const TempDir dir;
  const auto path = dir.path("sealed");
  for (const std::string& content : {std::string(), std::string("a\0b\n", 4), std::string(100000, 'x')}) {
    write_sealed_file(path, content);
    CHECK(read_sealed_file(path, "a test") == content);
  }
  const std::string good = file_text(path);
  for (std::size_t place : {std::size_t{0}, std::size_t{99999}}) {
    std::string bad = good;
    bad[place] = 'y';
    write_text(path, bad);
    CHECK(problem_of<InputError>([&] { (void)read_sealed_file(path, "a test"); }).what.find("damaged") !=
          std::string::npos);
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, good.size() - 1}) {
    write_text(path, good.substr(0, size));
    CHECK(problem_of<InputError>([&] { (void)read_sealed_file(path, "a test"); }).what ==
          "not a test, or cut short");
  }
  CHECK_THROWS_AS(read_sealed_file(dir.path("none"), "a test"), InputError);
  CHECK_THROWS_AS(read_sealed_file(dir.root(), "a test"), InputError);
}
