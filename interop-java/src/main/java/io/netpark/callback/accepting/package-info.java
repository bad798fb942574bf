/**
 * How the servers of the callback API accept, on the loop of each listener. Inner classes, not for users. This room uses nothing of the
 * other rooms here.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.accepting;
