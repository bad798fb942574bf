/** For BlockHound, an optional dependency. */
@NullMarked
package io.netpark.core.blockhound;

import org.jspecify.annotations.NullMarked;
