/** The kernel as its headers say it: constants, and structures by the offsets of their fields. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.linux;
