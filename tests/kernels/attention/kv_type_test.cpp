#include "kernels/attention/kv_type.hpp"

#include <bit>
#include <cmath>
#include <vector>

#include "core/half.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;

TEST_CASE("every 16-bit number widens to itself and narrows back", "[kernels]") {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i)
    bits[i] = static_cast<std::uint16_t>(i);
  for (const KvType type : {KvType::f16, KvType::bf16})
    testing::at_every_instruction_set([&] {
      // A length that no vector divides.
      std::vector<float> wide(bits.size() - 1);
      widen(type, bits.data(), std::ssize(wide), wide.data());
      std::vector<std::uint16_t> back(wide.size());
      narrow(type, wide.data(), std::ssize(wide), back.data());
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < wide.size(); ++i) {
        const float expected = type == KvType::f16 ? float_from_f16(bits[i]) : float_from_bf16(bits[i]);
        const bool same = std::isnan(expected) ? std::isnan(wide[i])
                                               : std::bit_cast<std::uint32_t>(wide[i]) ==
                                                         std::bit_cast<std::uint32_t>(expected) &&
                                                     back[i] == bits[i];
        wrong += same ? 0 : 1;
      }
      CHECK(wrong == 0);
    });
}

TEST_CASE("names of cache types go both ways", "[kernels]") {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::bf16})
    CHECK(value_named<KvType>(name_of(type)) == type);
  CHECK_FALSE(value_named<KvType>("f64").has_value());
}
