/** What TLS is made of here: whose engine, which certificate, which version. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.tls;
