/** Event loops as MBeans: for JConsole, and whatever else speaks JMX. */
@NullMarked
package io.netpark.core.jmx;

import org.jspecify.annotations.NullMarked;
