/** What JDK Flight Recorder is told. */
@NullMarked
package io.netpark.core.jfr;

import org.jspecify.annotations.NullMarked;
