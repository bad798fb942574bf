/** Fixtures of tests in Java, for those who have no Kotlin. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.testing;
