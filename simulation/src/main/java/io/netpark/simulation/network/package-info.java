/**
 * Hosts, their ports, and what is between them: a {@link io.netpark.simulation.network.Host} has
 * {@link io.netpark.simulation.network.Ports}, and sockets are their tenants. A {@link io.netpark.simulation.network.Topology} has a
 * {@link io.netpark.simulation.network.Link} between each two hosts. On loopback nothing takes time.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.network;
