/** TCP proxies, between the generator and a server that it asks for bytes. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.proxy;
