/** Large buffers sent with and without a copy: who sends, who receives, and between what. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.zerocopy;
