/** Meters for Micrometer, an optional dependency. */
@NullMarked
package io.netpark.core.micrometer;

import org.jspecify.annotations.NullMarked;
