#include "io/hdf5.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/half.hpp"
#include "io/atomic_file.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

hdf5::File create(const std::filesystem::path& path) {
  return hdf5::File::create(path, path.string());
}

template <class Call>
Problem problem_of(const Call& call) {
  try {
    static_cast<void>(call());
  } catch (const Error& error) {
    return error.problem();
  }
  FAIL("no error");
  return {};
}

void write_everything(const std::filesystem::path& path) {
  hdf5::File file = create(path);
  hdf5::Group root = file.root();
  root.write_attribute("whole", std::int64_t{-5});
  root.write_attribute("real", 0.1);
  root.write_attribute("text", "Z\xC3\xBCrich");
  root.write_attribute("nothing", "");
  root.write_attribute("list", std::vector<std::string>{"a", "", "c"});
  root.write_attribute("empty", std::vector<std::string>{});
  hdf5::Group group = root.create_group("b");
  root.create_group("a").create_group("inner");
  group.write_vector("doubles", std::vector<double>{1, 0.1, std::numeric_limits<double>::infinity()});
  group.write_vector("none", std::vector<float>{});
  group.write_vector("bytes", std::vector<std::uint8_t>{1, 255});
  hdf5::Dataset packed =
      group.create_dataset("packed", hdf5::Element::i32, {4, 6}, {.chunk = {2, 4}, .gzip_level = 6});
  std::vector<std::int32_t> values(24);
  std::iota(values.begin(), values.end(), 0);
  packed.write(std::span<const std::int32_t>(values));
}

}  // namespace

TEST_CASE("attributes and data sets come back as they were written") {
  const testing::TempDir dir;
  write_everything(dir.path("x.h5"));
  const hdf5::Group root = hdf5::File::open(dir.path("x.h5")).root();
  CHECK(root.int_attribute("whole") == -5);
  CHECK(root.float_attribute("real") == 0.1);
  CHECK(root.float_attribute("whole") == -5);
  CHECK(root.text_attribute("text") == "Z\xC3\xBCrich");
  CHECK(root.text_attribute("nothing").empty());
  CHECK(root.texts_attribute("list") == std::vector<std::string>{"a", "", "c"});
  CHECK(root.texts_attribute("empty").empty());
  CHECK(root.links() == std::vector<std::string>{"a", "b"});
  const hdf5::Group group = root.open_group("b");
  CHECK(group.path() == "/b");
  CHECK(group.open_dataset("doubles").read<double>() ==
        std::vector<double>{1, 0.1, std::numeric_limits<double>::infinity()});
  CHECK(group.open_dataset("none").read<float>().empty());
  CHECK(group.open_dataset("bytes").read<std::int64_t>() == std::vector<std::int64_t>{1, 255});
  CHECK(group.open_dataset("bytes").read<std::int8_t>() == std::vector<std::int8_t>{1, 127});
  const hdf5::Dataset packed = group.open_dataset("packed");
  CHECK(packed.chunk() == hdf5::Dims{2, 4});
  CHECK(packed.stored_bytes() > 0);
  CHECK(packed.read<std::int32_t>()[23] == 23);
}

TEST_CASE("texts may be longer than an attribute can hold itself") {
  const testing::TempDir dir;
  const std::string longest(100'000, 'x');
  const std::vector<std::string> many(2000, "/some/where/file-with-a-long-name.h5");
  {
    hdf5::File file = create(dir.path("x.h5"));
    hdf5::Group root = file.root();
    root.write_attribute("text", longest);
    root.write_attribute("texts", many);
  }
  const hdf5::Group root = hdf5::File::open(dir.path("x.h5")).root();
  CHECK(root.text_attribute("text") == longest);
  CHECK(root.texts_attribute("texts") == many);
}

TEST_CASE("equal calls give equal bytes") {
  const testing::TempDir dir;
  write_everything(dir.path("x.h5"));
  write_everything(dir.path("y.h5"));
  CHECK(read_file(dir.path("x.h5")) == read_file(dir.path("y.h5")));
}

TEST_CASE("boxes are read in the order of the data set") {
  const testing::TempDir dir;
  write_everything(dir.path("x.h5"));
  const hdf5::Dataset packed =
      hdf5::File::open(dir.path("x.h5")).root().open_group("b").open_dataset("packed");
  const std::vector<hdf5::Box> boxes = {{{3, 1}, {1, 2}}, {{0, 1}, {2, 2}}};
  std::vector<std::int32_t> out(6);
  packed.read(boxes, std::span(out));
  CHECK(out == std::vector<std::int32_t>{1, 2, 7, 8, 19, 20});
  const hdf5::Box outside{{3, 5}, {1, 2}};
  std::vector<std::int32_t> two(2);
  CHECK(problem_of([&] {
          packed.read({&outside, 1}, std::span(two));
        }).where == dir.path("x.h5").string() + ":/b/packed");
}

TEST_CASE("16-bit elements are written and read as bit patterns") {
  const testing::TempDir dir;
  const std::vector<std::uint16_t> bits = {0x3C00, 0x7C01, 0x8000, 0x0001};
  {
    hdf5::File file = create(dir.path("x.h5"));
    hdf5::Group root = file.root();
    for (const hdf5::Element element : {hdf5::Element::f16, hdf5::Element::bf16}) {
      hdf5::Dataset dataset = root.create_dataset(std::string(name_of(element)), element, {4});
      dataset.write_raw({{0}, {4}}, std::as_bytes(std::span(bits)));
      CHECK(dataset.element() == element);
    }
  }
  const hdf5::Group root = hdf5::File::open(dir.path("x.h5")).root();
  for (const hdf5::Element element : {hdf5::Element::f16, hdf5::Element::bf16}) {
    const hdf5::Dataset dataset = root.open_dataset(std::string(name_of(element)));
    CHECK(dataset.element() == element);
    std::vector<std::uint16_t> read(4);
    const hdf5::Box all{{0}, {4}};
    dataset.read_raw16({&all, 1}, read);
    CHECK(read == bits);
  }
  CHECK(root.open_dataset("float16").read<float>()[0] == 1);
  CHECK_THROWS_AS(root.open_dataset("bfloat16").read<float>(), InputError);
}

TEST_CASE("wrong content is refused with file and object") {
  const testing::TempDir dir;
  write_everything(dir.path("x.h5"));
  const std::string file = dir.path("x.h5").string();
  const hdf5::Group root = hdf5::File::open(dir.path("x.h5")).root();
  const Problem missing = problem_of([&] { return root.open_group("b").open_dataset("gone"); });
  CHECK(missing.where == file + ":/b/gone");
  CHECK(missing.what == "missing data set");
  CHECK(problem_of([&] { return root.open_group("gone"); }).what == "missing group");
  CHECK(problem_of([&] { return root.open_dataset("b"); }).what.find("cannot open as a data set") == 0);
  CHECK(problem_of([&] {
          return root.open_group("b").open_group("bytes");
        }).what.find("cannot open as a group") == 0);
  CHECK(problem_of([&] { return root.int_attribute("gone"); }).what == "attribute 'gone' is missing");
  const Problem kind = problem_of([&] { return root.open_group("b").open_dataset("bytes").read<float>(); });
  CHECK(kind.where == file + ":/b/bytes");
  CHECK(kind.found == "uint8");
  CHECK(problem_of([&] { return root.int_attribute("text"); }).found == "a string");
  CHECK(problem_of([&] { return root.int_attribute("real"); }).found == "a float");
  CHECK(problem_of([&] { return root.float_attribute("text"); }).expected == "a number");
  CHECK(problem_of([&] { return root.text_attribute("whole"); }).found == "an integer");
  CHECK(problem_of([&] { return root.text_attribute("list"); }).found == "3 values");
  CHECK(problem_of([&] { return root.texts_attribute("text"); }).where == file + ":/");
}

TEST_CASE("files that are not HDF5, empty, truncated, missing or directories are refused") {
  const testing::TempDir dir;
  const auto problem = [](const std::filesystem::path& path) {
    return problem_of([&] { hdf5::File::open(path); });
  };
  write_everything(dir.path("x.h5"));
  const std::string good = read_file(dir.path("x.h5"));
  write_file_atomically(dir.path("bad.h5"), "this is not HDF5 at all");
  CHECK(problem(dir.path("bad.h5")).what == "not an HDF5 file");
  CHECK(problem(dir.path("bad.h5")).where == dir.path("bad.h5").string());
  write_file_atomically(dir.path("bad.h5"), "");
  CHECK(problem(dir.path("bad.h5")).what == "the file is empty");
  write_file_atomically(dir.path("bad.h5"), good.substr(0, good.size() / 2));
  CHECK(problem(dir.path("bad.h5")).what.find("truncated file") != std::string::npos);
  CHECK(problem(dir.path("none.h5")).what == "cannot read: No such file or directory");
  CHECK(problem(dir.root()).what == "cannot read: Is a directory");
}

TEST_CASE("a failed write says so and names the target") {
  const testing::TempDir dir;
  const Problem problem = problem_of([&] { hdf5::File::create(dir.path("none") / "x.h5", "target.h5"); });
  CHECK(problem.where == "target.h5");
  hdf5::File file = hdf5::File::create(dir.path("temporary"), "target.h5");
  hdf5::Group root = file.root();
  root.create_group("twice");
  const Problem twice = problem_of([&] { return root.create_group("twice"); });
  CHECK(twice.where == "target.h5:/twice");
  CHECK_THROWS_AS(root.create_group("twice"), UnfinishedError);
}

TEST_CASE("a full disk ends in an error, and the process ends in peace") {
  const testing::TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {100'000, 100'000};  // a write past it fails as on a full disk
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(9);
    try {
      hdf5::File file = hdf5::File::create(dir.path("x.h5"), "target.h5");
      file.root().write_vector("numbers", std::vector<double>(100'000, 1.5));
      file.close();
    } catch (const UnfinishedError& error) {
      const bool right = error.problem().where.find("target.h5") == 0 &&
                         error.problem().what == "cannot write: File too large";
      std::exit(right ? 0 : 2);  // with all of a program's clean-up
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace toptheta
