/** All tables by which the library is judged, within a time. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.yardstick;
