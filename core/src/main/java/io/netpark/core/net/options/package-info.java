/** Socket options: their names, values, and sets of them. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.options;
