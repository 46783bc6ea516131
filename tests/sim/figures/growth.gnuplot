set terminal svg size 720,360 font "sans,12" background "white"
set output "growth.svg"
set logscale x
set key left top
set xlabel "nodes (levels grow from 1 to 5)"
set ylabel "ms, hops"
set y2label "requests in flight"
set y2tics
set ytics nomirror
plot "growth.dat" using 1:3 with linespoints title "latency p50, ms", \
     "" using 1:4 with linespoints title "latency p99, ms", \
     "" using 1:5 with linespoints title "hops, mean", \
     "" using 1:7 axes x1y2 with linespoints title "in flight, all nodes"
