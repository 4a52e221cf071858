#include "dump/unshuffle.hpp"

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {

TEST_CASE("shuffled bytes of any width and number come back in order") {
  testing::at_every_instruction_set([] {
    Random random(1);
    for (const std::size_t width : {1, 2, 3, 4, 8})
      for (const std::size_t count : {0, 1, 15, 16, 31, 64, 65, 1000}) {
        std::vector<std::byte> plain(width * count);
        for (std::byte& byte : plain)
          byte = static_cast<std::byte>(random.below(256));
        std::vector<std::byte> shuffled(plain.size());
        for (std::size_t i = 0; i < count; ++i)
          for (std::size_t byte = 0; byte < width; ++byte)
            shuffled[byte * count + i] = plain[i * width + byte];
        std::vector<std::byte> back(plain.size());
        unshuffle(shuffled, width, back);
        INFO(count << " elements of " << width << " bytes");
        CHECK(back == plain);
      }
  });
}

}  // namespace toptheta
