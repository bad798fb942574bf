/**
 * Looking at what loops watch while they run: walks in slices, how many descriptors are left, and the text of a dump. Nothing here costs
 * anything while nobody asks.
 */
@NullMarked
package io.netpark.core.inspection;

import org.jspecify.annotations.NullMarked;
