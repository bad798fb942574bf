/**
 * Certificates and engines to test TLS with. In Java, so that the tests of modules without Kotlin have them as well.
 *
 * <p>{@link io.netpark.core.testing.tls.Authority} issues, {@link io.netpark.core.testing.tls.Order} says what,
 * {@link io.netpark.core.testing.tls.Identity} is what comes of it, and {@link io.netpark.core.testing.tls.Pem} its text.
 * {@link io.netpark.core.testing.tls.EngineFlavour} makes engines of these.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.testing.tls;
