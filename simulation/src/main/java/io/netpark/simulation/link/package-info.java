/** What it is like between two hosts: {@link io.netpark.simulation.link.LinkConditions}. */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.link;
