#include "kernels/rows/soft_cap.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {

TEST_CASE("a soft cap is cap * tanh(x / cap)") {
  testing::at_every_instruction_set([] {
    for (const std::size_t size : {0, 1, 3, 15, 16, 17, 63, 200}) {
      Random random(3);
      std::vector<float> x(size);
      for (float& value : x)
        value = static_cast<float>(400 * random.uniform() - 200);
      std::vector<float> capped = x;
      soft_cap(capped, 30);
      for (std::size_t i = 0; i < size; ++i)
        CHECK(static_cast<double>(capped[i]) ==
              Approx(30 * std::tanh(static_cast<double>(x[i]) / 30)).epsilon(2e-6));
    }
  });
}

TEST_CASE("a bound before the soft-cap is none too high") {
  testing::at_every_instruction_set([] {
    for (const float cap : {0.5F, 2.0F, 30.0F, 50.0F})
      for (int step = -100; step <= 100; ++step) {
        const float theta = cap * static_cast<float>(step) / 98;
        const float bound = before_soft_cap(theta, cap);
        if (std::isinf(bound)) {
          CHECK((bound > 0) == (theta > 0.9F * cap));
          continue;
        }
        std::vector<float> scores{bound, bound - 0.001F, bound + 0.01F * cap};
        soft_cap(scores, cap);
        CHECK(scores[0] <= theta);
        CHECK(scores[1] <= theta);
        CHECK(scores[0] >= theta - 1e-5F * cap);
      }
    std::vector<float> bad{std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                           0};
    soft_cap(bad, 3);
    CHECK(std::isnan(bad[0]));
    CHECK(bad[1] == 3);
    CHECK(bad[2] == 0);
  });
}

}  // namespace toptheta
