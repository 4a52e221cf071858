#include "io/hdf5_values.hpp"

#include <cstring>
#include <fstream>
#include <optional>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {

TEST_CASE("attributes survive the way between processes whole, and nothing else does") {
  using hdf5::AttributeKind;
  hdf5::AttributeValues sent;
  sent.add(800, "layout", {AttributeKind::text, 1, 0, true, 0, 0, {"row-major"}});
  sent.add(800, "names", {AttributeKind::text, 3, 1, true, 0, 0, {"a", "", std::string("b\0c", 3)}});
  sent.add(0, "layout", {});
  sent.add(7, "k", {AttributeKind::integer, 1, 2, true, -5, -5.0, {}});
  sent.add(7, "scale", {AttributeKind::real, 1, 0, true, 0, 0.125, {}});
  const std::string bytes = sent.packed();
  const auto back = hdf5::AttributeValues::unpacked(bytes);
  REQUIRE(back);
  CHECK(back->find(800, "layout")->texts == std::vector<std::string>{"row-major"});
  CHECK(back->find(800, "names")->texts == std::vector<std::string>{"a", "", std::string("b\0c", 3)});
  CHECK(back->find(800, "names")->elements == 3);
  CHECK(back->find(0, "layout")->kind == AttributeKind::unreadable);
  CHECK_FALSE(back->find(0, "layout")->is_read);
  CHECK(back->find(7, "k")->kind == AttributeKind::integer);
  CHECK(back->find(7, "k")->integer == -5);
  CHECK(back->find(7, "k")->rank == 2);
  CHECK(back->find(7, "scale")->number == 0.125);
  CHECK(back->find(0, "names") == nullptr);
  CHECK(back->find(1, "layout") == nullptr);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(hdf5::AttributeValues::unpacked(bytes.substr(0, size)));
  CHECK_FALSE(hdf5::AttributeValues::unpacked(bytes + "x"));
}

TEST_CASE("a text that points anywhere into the global heap never crashes its reader") {
  const testing::TempDir dir;
  const std::string text(40'000, 't');  // too long for the attribute itself
  {
    hdf5::File file = hdf5::File::create(dir.path("a.h5"), "a.h5");
    hdf5::Group root = file.root();
    root.write_attribute("text", text);
    file.close();
  }
  CHECK(hdf5::File::open(dir.path("a.h5")).root().text_attribute("text") == text);
  const std::string bytes = read_file(dir.path("a.h5"));
  const std::uint64_t heap = bytes.find("GCOL");
  REQUIRE(heap != std::string::npos);
  // The attribute holds the text's length, the heap's address and the text's number in it.
  const std::size_t address = bytes.find(std::string(reinterpret_cast<const char*>(&heap), sizeof heap));
  REQUIRE(address != std::string::npos);
  for (const std::uint32_t number : {0U, 2U, 3U, 17U, 40U, 64U, 100U, 1000U, 70'000U, 1U << 31U, ~0U}) {
    std::string damaged = bytes;
    std::memcpy(damaged.data() + address + sizeof heap, &number, sizeof number);
    const auto path = dir.path("damaged-" + std::to_string(number) + ".h5");
    std::ofstream(path, std::ios::binary) << damaged;
    INFO("text " << number << " of the heap");
    try {
      static_cast<void>(hdf5::File::open(path).root().text_attribute("text"));
    } catch (const InputError& error) {
      CHECK(error.problem().where.find(path.filename().string()) != std::string::npos);
    }
  }
}

}  // namespace toptheta
